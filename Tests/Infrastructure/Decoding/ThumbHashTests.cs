using Profiles.Infrastructure.Decoding.Worker;

namespace Profiles.Tests.Infrastructure.Decoding;

[Trait("Database", "Sqlite")]
public sealed class ThumbHashTests
{
    // Hashes of the reference implementation (npm thumbhash 0.1.1) for the same pixels.
    [Theory]
    [InlineData(1, 1, "AAgCBwAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData(32, 32, "GggKHxZgdnd0iIiBiIeId3iFOd8rcHoO")]
    [InlineData(32, 24, "m9gNHZphdodwiIiGiGeIh/WjH/eH")]
    [InlineData(24, 32, "18cJHRRgdnOICIiIiIdXqPmuE6f4")]
    [InlineData(100, 3, "T9gGMYZSRcKgiHeIbE8owHc=")]
    [InlineData(3, 100, "TxgFOQJwomiHhXZWj00n6Pg=")]
    public void The_hash_equals_the_reference_implementation_s(int width, int height, string expected)
    {
        var pixels = Enumerable.Range(0, width * height)
            .SelectMany(i => (byte[])[(byte)(i % width * 7), (byte)(i / width * 11), (byte)(i % width * (i / width))]).ToArray();
        Convert.ToBase64String(ThumbHash.Encode(width, height, pixels)).ShouldBe(expected);
    }
}
