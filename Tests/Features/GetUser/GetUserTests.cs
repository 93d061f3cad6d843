using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Profiles.Data;

namespace Profiles.Tests.Features.GetUser;

public sealed class GetUserTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    [Fact]
    public async Task Everybody_sees_the_public_part_of_a_public_profile_and_nothing_else()
    {
        var (user, username) = await ShowAsync(await app.CreateUserAsync("Jane Roe"));
        var upload = await (await app.ClientFor(user).UploadAsync(TestImage.Png(8, 8, 255, 0, 0), Cancellation))
            .ShouldBeAsync(HttpStatusCode.OK);
        foreach (var asked in new[] { username, username.ToUpperInvariant() })
        {
            var response = await app.Client.GetAsync($"/users/{asked}", Cancellation);
            var shown = await response.ShouldBeAsync(HttpStatusCode.OK);
            shown.Names().ShouldBe(["name", "username", "bio", "image_url", "image"]);
            shown.GetProperty("name").GetString().ShouldBe("Jane Roe");
            shown.GetProperty("username").GetString().ShouldBe(username);
            shown.GetProperty("bio").GetString().ShouldBe("👩‍🚀 hello");
            shown.GetProperty("image").GetRawText().ShouldBe(upload.GetProperty("image").GetRawText());
            response.Headers.CacheControl!.ToString().ShouldBe("public, no-cache");
        }
    }

    [Fact]
    public async Task A_hidden_user_is_answered_like_a_missing_one()
    {
        var (user, username) = await ShowAsync(await app.CreateUserAsync());
        await PatchAsync(user, """{"is_public":false}""");
        var (hidden, missing) = (await app.Client.GetAsync($"/users/{username}", Cancellation),
            await app.Client.GetAsync($"/users/{Fresh()}", Cancellation));
        var (one, two) = (await hidden.ShouldBeProblemAsync(HttpStatusCode.NotFound),
            await missing.ShouldBeProblemAsync(HttpStatusCode.NotFound));
        Without(one).ShouldBe(Without(two));
        Headers(hidden).ShouldBe(Headers(missing));
        // The owner's token makes no difference.
        await (await app.ClientFor(user).GetAsync($"/users/{username}", Cancellation)).ShouldBeProblemAsync(HttpStatusCode.NotFound);

        static string Without(JsonElement problem)
        {
            var members = JsonNode.Parse(problem.GetRawText())!.AsObject();
            members.Remove("trace_id");
            return members.ToJsonString();
        }

        static IEnumerable<string> Headers(HttpResponseMessage response) =>
            response.Headers.Concat(response.Content.Headers).Where(h => h.Key != "Content-Length")
                .Select(h => $"{h.Key}: {string.Join(',', h.Value)}").Order();
    }

    [Theory]
    [InlineData("ab")]
    [InlineData("a-b")]
    [InlineData("a..b")]
    [InlineData("admin")]
    [InlineData("1")]
    [InlineData("%F0%9F%98%80%F0%9F%98%80")]
    public async Task An_invalid_username_is_not_found(string username) =>
        await (await app.Client.GetAsync($"/users/{username}", Cancellation)).ShouldBeProblemAsync(HttpStatusCode.NotFound);

    [Fact]
    public async Task A_hidden_or_missing_user_costs_one_read()
    {
        var (user, username) = await ShowAsync(await app.CreateUserAsync());
        await PatchAsync(user, """{"is_public":false}""");
        foreach (var asked in new[] { username, Fresh() })
        {
            using var client = app.CreateClient();
            client.DefaultRequestHeaders.Add("X-Test-Trace", asked);
            await (await client.GetAsync($"/users/{asked}", Cancellation)).ShouldBeProblemAsync(HttpStatusCode.NotFound);
            app.Services.GetRequiredService<CommandLog>().OwnOf(asked).ShouldHaveSingleItem();
        }
    }

    [Fact]
    public async Task An_unchanged_public_part_is_304_even_when_other_fields_have_changed()
    {
        var (user, username) = await ShowAsync(await app.CreateUserAsync());
        var tag = (await app.Client.GetAsync($"/users/{username}", Cancellation)).Headers.ETag!;
        await PatchAsync(user, """{"phone":"+4915112345678","metadata":{"a":1}}""");
        var again = await SendAsync();
        again.StatusCode.ShouldBe(HttpStatusCode.NotModified);
        again.Headers.ETag.ShouldBe(tag);
        foreach (var change in new[] { """{"bio":null}""", """{"bio":""}""", """{"name":"Another"}""" })
        {
            await PatchAsync(user, change);
            var changed = await SendAsync();
            changed.StatusCode.ShouldBe(HttpStatusCode.OK, change);
            tag = changed.Headers.ETag!;
        }

        Task<HttpResponseMessage> SendAsync() =>
            app.Client.SendAsync(new(HttpMethod.Get, $"/users/{username}") { Headers = { { "If-None-Match", tag.ToString() } } },
                Cancellation);
    }

    [Fact]
    public async Task The_callers_own_profile_stays_at_users_me()
    {
        var user = await app.CreateUserAsync();
        (await (await app.ClientFor(user).GetAsync("/users/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK))
            .GetProperty("id").GetInt64().ShouldBe(user.Id);
        await (await app.Client.GetAsync("/users/me", Cancellation)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
    }

    async Task<(TestUser User, string Username)> ShowAsync(TestUser user)
    {
        var username = Fresh();
        await PatchAsync(user, $$"""{"username":"{{username}}","bio":"👩‍🚀 hello","is_public":true}""");
        return (user, username);
    }

    async Task PatchAsync(TestUser user, string patch) =>
        await (await app.ClientFor(user).PatchAsync("/me", new StringContent(patch,
            new MediaTypeHeaderValue("application/merge-patch+json")), Cancellation)).ShouldBeAsync(HttpStatusCode.OK);

    static string Fresh() => $"u{Guid.NewGuid():N}"[..UserProfile.UsernameMaxLength];
}
