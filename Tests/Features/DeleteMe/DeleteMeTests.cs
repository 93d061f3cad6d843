using System.Net;
using System.Net.Http.Json;
using System.Text;
using Microsoft.EntityFrameworkCore;

namespace Profiles.Tests.Features.DeleteMe;

public sealed class DeleteMeTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    public static TheoryData<string> Paths => ["/me", "/users/me", "/user/profile"];

    [Theory]
    [MemberData(nameof(Paths))]
    public async Task The_account_is_deleted_with_all_its_data_and_the_address_can_register_again(string path)
    {
        var user = await app.CreateUserAsync();
        var session = await app.LogInAsync(user, "Another phone");
        using var client = app.ClientFor(user);
        var url = await client.UploadForUrlAsync(TestImage.Bytes("upright.jpg"), Cancellation);
        Directory.EnumerateFiles(app.ImageDirectory, $"{user.Id}*").Count().ShouldBe(4);

        var body = await (await DeleteAsync(client, path, new { password = user.Password })).ShouldBeAsync(HttpStatusCode.OK);
        body.Names().ShouldBe(["message"]);
        body.GetProperty("message").GetString().ShouldBe("Account deleted successfully");
        // All tokens of all sessions.
        await (await client.GetAsync("/me", Cancellation)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        using var other = app.ClientFor(session);
        await (await other.GetAsync("/me", Cancellation)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        await (await app.Client.PostAsJsonAsync("/token/refresh", new { refresh_token = session.RefreshToken }, Cancellation))
            .ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        await (await app.Client.PostAsJsonAsync("/login", new { email = user.Email, password = user.Password }, Cancellation))
            .ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        await (await app.Client.GetAsync(url, Cancellation)).ShouldBeProblemAsync(HttpStatusCode.NotFound);
        Directory.EnumerateFiles(app.ImageDirectory, $"{user.Id}*").ShouldBeEmpty();
        (await app.QueryAsync(async db => new[]
        {
            await db.Users.CountAsync(u => u.Id == user.Id),
            await db.UserProfiles.CountAsync(p => p.UserId == user.Id),
            await db.Sessions.CountAsync(s => s.UserId == user.Id),
            await db.SecurityEvents.CountAsync(e => e.UserId == user.Id),
            await db.OneTimeTokens.CountAsync(t => t.UserId == user.Id),
            await db.IdempotentAnswers.CountAsync(a => a.UserId == user.Id),
            await db.Outbox.CountAsync(e => e.UserId == user.Id),
        })).ShouldAllBe(count => count == 0);

        var again = await app.Client.PostAsJsonAsync("/register",
            new { name = "John", email = user.Email, password = user.Password }, Cancellation);
        (await again.ShouldBeAsync(HttpStatusCode.Created)).GetProperty("id").GetInt64().ShouldNotBe(user.Id);
    }

    [Fact]
    public async Task A_wrong_password_is_403_and_nothing_is_deleted()
    {
        var user = await app.CreateUserAsync();
        using var client = app.ClientFor(user);
        await client.UploadForUrlAsync(TestImage.Bytes("upright.jpg"), Cancellation);
        foreach (var password in new[] { "wrong password", user.Password + " ", user.Password.ToUpperInvariant(), new string('x', 100) })
            await (await DeleteAsync(client, "/me", new { password }))
                .ShouldBeProblemAsync(HttpStatusCode.Forbidden, "The password is wrong");
        (await (await client.GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK))
            .GetProperty("image_url").GetString().ShouldNotBeNull();
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"password":null}""")]
    [InlineData("""{"password":""}""")]
    [InlineData("""{"password":1}""")]
    [InlineData("""{"password":"a","password":"b"}""")]
    [InlineData("")]
    public async Task A_request_without_the_password_is_refused(string json)
    {
        using var client = app.ClientFor(await app.CreateUserAsync());
        var content = new StringContent(json, Encoding.UTF8, "application/json");
        using var request = new HttpRequestMessage(HttpMethod.Delete, "/me") { Content = content };
        await (await client.SendAsync(request, Cancellation)).ShouldBeProblemAsync(HttpStatusCode.BadRequest);
        await (await client.GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("application/json")]
    [InlineData("application/json; charset=utf8")]
    public async Task When_a_proxy_drops_the_body_the_missing_password_is_named(string? type)
    {
        using var client = app.ClientFor(await app.CreateUserAsync());
        using var request = new HttpRequestMessage(HttpMethod.Delete, "/me");
        if (type is not null)
        {
            request.Content = new ByteArrayContent([]);
            request.Content.Headers.TryAddWithoutValidation("Content-Type", type);
        }
        await (await client.SendAsync(request, Cancellation)).ShouldRefuseFieldsAsync("password");
        await (await client.GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
    }

    [Fact]
    public async Task An_upload_that_arrives_too_late_leaves_no_image()
    {
        var user = await app.CreateUserAsync();
        using var client = app.ClientFor(user);
        var uploads = Enumerable.Range(0, 4).Select(i => client.UploadAsync(TestImage.Png(60, 40, (byte)i, 0, 0), Cancellation)).ToArray();
        await (await DeleteAsync(client, "/me", new { password = user.Password })).ShouldBeAsync(HttpStatusCode.OK);
        await Task.WhenAll(uploads);
        Directory.EnumerateFiles(app.ImageDirectory)
            .Where(f => Path.GetFileName(f).TrimStart('.').Split('.', '_')[0] == $"{user.Id}").ShouldBeEmpty();
        (await app.QueryAsync(db => db.Outbox.CountAsync(e => e.UserId == user.Id))).ShouldBe(0);
    }

    Task<HttpResponseMessage> DeleteAsync(HttpClient client, string path, object body) =>
        client.SendAsync(new(HttpMethod.Delete, path) { Content = JsonContent.Create(body) }, Cancellation);
}
