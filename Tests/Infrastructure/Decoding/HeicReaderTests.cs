using ImageMagick;
using Profiles.Infrastructure.Decoding.Worker;

namespace Profiles.Tests.Infrastructure.Decoding;

/// <summary>ImageMagick reads some two hundred formats; here it reads one.</summary>
// The database has no part in it: once is enough.
[Trait("Database", "Sqlite")]
public sealed class HeicReaderTests
{
    [Theory]
    [InlineData("upright.jpg")]
    [InlineData("palette.png")]
    [InlineData("animated.gif")]
    [InlineData("photo.webp")]
    [InlineData("not-allowed.tiff")]
    public void What_is_no_HEIC_is_refused_also_by_ImageMagick_itself(string name)
    {
        using var reader = new HeicReader(Picture.Bytes(name));
        Should.Throw<MagickException>(() => reader.Size());
        Should.Throw<MagickPolicyErrorException>(() => new MagickImage(Picture.Bytes(name)).Dispose());
    }

    [Theory]
    [InlineData("text:/etc/passwd")]
    [InlineData("label:@/etc/passwd")]
    [InlineData("msl:/etc/passwd")]
    [InlineData("xc:red")]
    public void Nothing_is_made_of_a_path_that_means_something_to_it(string path)
    {
        using var reader = new HeicReader(Picture.Bytes("photo.heic"));
        reader.Size().ShouldBe((320, 240));
        Should.Throw<MagickException>(() => new MagickImage(path).Dispose());
    }

    [Fact]
    public void It_does_not_read_more_pixels_than_it_is_told()
    {
        using var reader = new HeicReader(Picture.Bytes("photo.heic"));
        Should.Throw<MagickException>(() => reader.Decode(maxPixels: 1000));
    }
}
