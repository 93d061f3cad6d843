using System.Net.Http.Headers;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Profiles.Data;
using Profiles.Features.GetMe;
using Profiles.Features.GetUser;
using Profiles.Infrastructure.Editing;
using Profiles.Infrastructure.Images;

namespace Profiles.Tests.Infrastructure.Editing;

/// <summary>An ETag belongs to a representation: a release that shows more fields has another one for the same row.</summary>
public sealed class ProfileTagTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    static readonly string[] Settings =
        ["DataDirectory", "ConnectionStrings:Profiles", "Images:Directory", "PublicBaseUrl", "AllowedHosts", "Passwords:WorkFactor"];

    // Which types have an additional property in the other release, and whether GET /me shows it.
    public static TheoryData<string, bool> Releases =>
        new() { { "the same", false }, { "with another field", true }, { "with another field of the image", true } };

    [Theory]
    [MemberData(nameof(Releases))]
    public async Task A_release_that_shows_more_fields_has_another_tag_and_the_same_release_has_the_same(string which, bool differs)
    {
        var user = await app.CreateUserAsync();
        using var client = app.ClientFor(user);
        var username = $"u{Guid.NewGuid():N}"[..UserProfile.UsernameMaxLength];
        using var patch = new StringContent($$"""{"username":"{{username}}","is_public":true}""",
            new MediaTypeHeaderValue("application/merge-patch+json"));
        (await client.PatchAsync("/me", patch, Cancellation)).EnsureSuccessStatusCode();
        await client.UploadForUrlAsync(TestImage.Png(8, 8, 1, 2, 3), Cancellation);

        // Disposed at the end of the run, like the fixtures' services.
        var other = StartOther(which switch
        {
            "the same" => [],
            "with another field" => [typeof(ProfileDescription), typeof(GetUserResponse)],
            _ => [typeof(ImageDescription)],
        });
        using var there = other.CreateClient();
        there.DefaultRequestHeaders.Authorization = client.DefaultRequestHeaders.Authorization;
        foreach (var path in new[] { "/me", $"/users/{username}" })
        {
            var (here, next) = (await client.GetAsync(path, Cancellation), await there.GetAsync(path, Cancellation));
            (await next.Content.ReadAsStringAsync(Cancellation)).Contains("pronouns").ShouldBe(differs);
            (next.Headers.ETag!.Tag != here.Headers.ETag!.Tag).ShouldBe(differs, path);
        }
    }

    [Fact]
    public void The_tag_covers_everything_that_GET_me_shows() =>
        typeof(GetMeResponse).GetProperties().Where(p => p.DeclaringType == typeof(GetMeResponse)).Select(p => p.Name).ShouldBeEmpty();

    // Another release on the same database.
    WebApplicationFactory<Program> StartOther(Type[] grown)
    {
        var settings = app.Services.GetRequiredService<IConfiguration>();
        return new WebApplicationFactory<Program>().WithWebHostBuilder(b =>
        {
            b.UseEnvironment("Testing");
            foreach (var name in Settings.Where(n => settings[n] is not null))
                b.UseSetting(name, settings[name]);
            b.ConfigureLogging(l => l.ClearProviders());
            b.ConfigureTestServices(s => s.PostConfigure<JsonOptions>(o => o.SerializerOptions.TypeInfoResolver =
                (o.SerializerOptions.TypeInfoResolver ?? new DefaultJsonTypeInfoResolver()).WithAddedModifier(info => Grow(info, grown))));
        });
    }

    static void Grow(JsonTypeInfo info, Type[] grown)
    {
        if (!grown.Any(t => t.IsAssignableFrom(info.Type)))
            return;
        var pronouns = info.CreateJsonPropertyInfo(typeof(string), "pronouns");
        pronouns.Get = _ => null;
        info.Properties.Add(pronouns);
    }
}
