using ImageMagick;
using Profiles.Infrastructure.Decoding.Worker;

namespace Profiles.Tests.Infrastructure.Decoding;

/// <summary>ImageMagick reads some two hundred formats; the policy allows one.</summary>
// Independent of the database, so it runs on one engine only.
[Trait("Database", "Sqlite")]
public sealed class HeicReaderTests
{
    [Theory]
    [InlineData("upright.jpg")]
    [InlineData("palette.png")]
    [InlineData("animated.gif")]
    [InlineData("photo.webp")]
    [InlineData("not-allowed.tiff")]
    public void Any_other_format_is_refused_by_the_reader_and_by_ImageMagick_s_policy(string name)
    {
        using var reader = new HeicReader(TestImage.Bytes(name));
        Should.Throw<MagickException>(() => reader.Size());
        Should.Throw<MagickPolicyErrorException>(() => new MagickImage(TestImage.Bytes(name)).Dispose());
    }

    [Theory]
    [InlineData("text:/etc/passwd")]
    [InlineData("label:@/etc/passwd")]
    [InlineData("msl:/etc/passwd")]
    [InlineData("xc:red")]
    public void A_path_that_ImageMagick_would_interpret_is_refused(string path)
    {
        using var reader = new HeicReader(TestImage.Bytes("photo.heic"));
        reader.Size().ShouldBe((320, 240));
        Should.Throw<MagickException>(() => new MagickImage(path).Dispose());
    }

    [Fact]
    public void The_reader_refuses_more_pixels_than_the_limit()
    {
        using var reader = new HeicReader(TestImage.Bytes("photo.heic"));
        Should.Throw<MagickException>(() => reader.Decode(maxPixels: 1000));
    }
}
