using System.Net;
using System.Net.Http.Headers;
using Microsoft.Extensions.DependencyInjection;

namespace Profiles.Tests.Features.GetMe;

public sealed class GetMeTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    public static TheoryData<string> Paths => new("/me", "/users/me", "/user/profile");

    [Theory]
    [MemberData(nameof(Paths))]
    public async Task The_profile_is_shown_on_every_path(string path)
    {
        var user = await app.CreateUserAsync("Jane Roe");
        var response = await app.ClientFor(user).GetAsync(path, Cancellation);

        var me = await response.ShouldBeAsync(HttpStatusCode.OK);
        me.GetProperty("id").GetInt64().ShouldBe(user.Id);
        me.GetProperty("name").GetString().ShouldBe("Jane Roe");
        me.GetProperty("email").GetString().ShouldBe(user.Email);
        me.GetProperty("image_url").GetString().ShouldBeNull();
        foreach (var field in new[] { "image", "username", "bio", "phone", "birth_date", "locale", "time_zone", "metadata" })
            me.GetProperty(field).ValueKind.ShouldBe(System.Text.Json.JsonValueKind.Null, field);
        me.GetProperty("is_public").GetBoolean().ShouldBeFalse();
        response.Content.Headers.ContentType!.ToString().ShouldStartWith("application/json");
        response.Headers.CacheControl!.ToString().ShouldBe("no-cache, private");
        response.Headers.ETag!.IsWeak.ShouldBeFalse();
    }

    [Fact]
    public async Task An_unchanged_profile_is_304_without_a_body()
    {
        var client = app.ClientFor(await app.CreateUserAsync());
        var tag = (await client.GetAsync("/me", Cancellation)).Headers.ETag!;
        foreach (var known in new[] { tag.ToString(), $"\"other\", {tag}", $"W/{tag}", "*" })
        {
            var again = await SendAsync(client, known);
            again.StatusCode.ShouldBe(HttpStatusCode.NotModified, known);
            again.Headers.ETag.ShouldBe(tag);
            (await again.Content.ReadAsByteArrayAsync(Cancellation)).ShouldBeEmpty();
        }
        (await SendAsync(client, "\"other\"")).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await SendAsync(client, "not a tag")).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_changed_profile_has_another_tag()
    {
        var client = app.ClientFor(await app.CreateUserAsync());
        var before = (await client.GetAsync("/me", Cancellation)).Headers.ETag!;
        (await client.PutAsync("/me", Json("""{"name":"Another"}"""), Cancellation)).EnsureSuccessStatusCode();
        var after = await SendAsync(client, before.ToString());
        after.StatusCode.ShouldBe(HttpStatusCode.OK);
        after.Headers.ETag.ShouldNotBe(before);
    }

    [Fact]
    public async Task Each_user_sees_only_their_own_profile_whatever_the_query_says()
    {
        var (one, two) = (await app.CreateUserAsync("One"), await app.CreateUserAsync("Two"));
        foreach (var query in new[] { "", $"?id={two.Id}", $"?user_id={two.Id}", $"?userId={two.Id}&id={two.Id}" })
        {
            var me = await (await app.ClientFor(one).GetAsync("/me" + query, Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
            me.GetProperty("id").GetInt64().ShouldBe(one.Id);
        }
        using var request = new HttpRequestMessage(HttpMethod.Get, "/me");
        request.Headers.Add("X-User-Id", $"{two.Id}");
        request.Headers.Add("user_id", $"{two.Id}");
        (await (await app.ClientFor(one).SendAsync(request, Cancellation)).ShouldBeAsync(HttpStatusCode.OK))
            .GetProperty("id").GetInt64().ShouldBe(one.Id);
        foreach (var path in new[] { $"/users/{two.Id}", $"/me/{two.Id}", $"/user/profile/{two.Id}" })
            await (await app.ClientFor(one).GetAsync(path, Cancellation)).ShouldBeProblemAsync(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task A_request_costs_no_query_of_EF_Core_beside_the_prepared_one()
    {
        var user = await app.CreateUserAsync();
        var client = app.ClientFor(user);
        client.DefaultRequestHeaders.Add("X-Test-Trace", nameof(A_request_costs_no_query_of_EF_Core_beside_the_prepared_one));
        (await client.GetAsync("/me", Cancellation)).EnsureSuccessStatusCode();
        var commands = app.Services.GetRequiredService<CommandLog>();
        commands.Of(nameof(A_request_costs_no_query_of_EF_Core_beside_the_prepared_one)).ShouldBeEmpty();
        // A change has its own command, so the log is not simply empty.
        (await client.PutAsync("/me", Json("""{"name":"Another"}"""), Cancellation)).EnsureSuccessStatusCode();
        commands.Of(nameof(A_request_costs_no_query_of_EF_Core_beside_the_prepared_one)).ShouldHaveSingleItem();
    }

    Task<HttpResponseMessage> SendAsync(HttpClient client, string ifNoneMatch)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, "/me");
        request.Headers.TryAddWithoutValidation("If-None-Match", ifNoneMatch);
        return client.SendAsync(request, Cancellation);
    }

    static StringContent Json(string text) => new(text, new MediaTypeHeaderValue("application/json"));
}
