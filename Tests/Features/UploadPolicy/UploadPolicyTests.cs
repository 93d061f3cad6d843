using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Hosting;

namespace Profiles.Tests.Features.UploadPolicy;

/// <summary>A service with limits of its own.</summary>
public sealed class LimitedFixture : ProfilesFixture
{
    protected override void ConfigureApp(IWebHostBuilder a)
    {
        base.ConfigureApp(a);
        a.UseSetting("Images:MaxBytes", "50000");
        a.UseSetting("Images:MaxPixels", "90000");
        a.UseSetting("Images:MaxSide", "640");
    }
}

[Trait("Database", "Sqlite")]
public sealed class UploadPolicyTests(LimitedFixture limited, ProfilesFixture app)
    : TestBase<LimitedFixture>, IClassFixture<ProfilesFixture>
{
    [Fact]
    public async Task Anyone_may_read_the_policy_and_cache_it_for_an_hour()
    {
        var response = await app.Client.GetAsync("/upload-policy", Cancellation);
        var policy = await response.ShouldBeAsync(HttpStatusCode.OK);
        response.Headers.CacheControl!.ToString().ShouldBe("public, max-age=3600");
        policy.Names().ShouldBe(["types", "max_bytes", "max_pixels", "max_side", "variants"]);
        Strings(policy, "types").ShouldBe(["image/jpeg", "image/png", "image/webp", "image/gif", "image/avif", "image/heic", "image/heif"]);
        (policy.GetProperty("max_bytes").GetInt64(), policy.GetProperty("max_pixels").GetInt64(), policy.GetProperty("max_side").GetInt32())
            .ShouldBe((20 * 1024 * 1024, 100_000_000, 1024));
        policy.GetProperty("variants").EnumerateArray().Select(v => v.GetInt32()).ShouldBe([96, 256, 512]);
    }

    [Fact]
    public async Task The_policy_has_the_configured_limits_and_a_refusal_has_the_one_that_was_exceeded()
    {
        var policy = await (await limited.Client.GetAsync("/upload-policy", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        var client = limited.ClientFor(await limited.CreateUserAsync());
        policy.GetProperty("max_side").GetInt32().ShouldBe(640);

        var bytes = policy.GetProperty("max_bytes").GetInt64();
        bytes.ShouldBe(50_000);
        var tooLarge = await (await client.UploadAsync(new byte[bytes + 1], Cancellation))
            .ShouldBeProblemAsync(HttpStatusCode.RequestEntityTooLarge);
        tooLarge.GetProperty("max_bytes").GetInt64().ShouldBe(bytes);

        var pixels = policy.GetProperty("max_pixels").GetInt64();
        pixels.ShouldBe(90_000);
        await (await client.UploadAsync(TestImage.Png(300, 300, 1, 2, 3), Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        var tooMany = await (await client.UploadAsync(TestImage.Png(301, 300, 1, 2, 3), Cancellation))
            .ShouldBeProblemAsync(HttpStatusCode.BadRequest);
        tooMany.GetProperty("max_pixels").GetInt64().ShouldBe(pixels);
    }

    static string?[] Strings(JsonElement policy, string name) => [.. policy.GetProperty(name).EnumerateArray().Select(t => t.GetString())];
}
