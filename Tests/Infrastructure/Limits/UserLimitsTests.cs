using System.Net;
using System.Net.Http.Json;
using Microsoft.AspNetCore.Hosting;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Profiles.Infrastructure.Tokens;
using static Profiles.Tests.Infrastructure.Accounts.LoginGuardTests;

namespace Profiles.Tests.Infrastructure.Limits;

/// <summary>A service with low limits for each user.</summary>
public sealed class UserLimitsFixture : ProfilesFixture
{
    public const int Most = 2, Uploads = 6, Refreshes = 3, Logins = 3, Codes = 7;

    protected override void ConfigureApp(IWebHostBuilder a)
    {
        base.ConfigureApp(a);
        foreach (var name in new[] { "Exports", "Mails", "UploadsAtOnce", "PasswordsAtOnce" })
            a.UseSetting($"Limits:{name}", $"{Most}");
        a.UseSetting("Limits:LoginsAtOnce", $"{Logins}");
        a.UseSetting("Limits:Uploads", $"{Uploads}");
        a.UseSetting("Limits:Refreshes", $"{Refreshes}");
        a.UseSetting("Limits:SecondFactorCodes", $"{Codes}");
        a.UseSetting("Limits:UnknownTokens", $"{Refreshes}");
    }

    protected override void ConfigureServices(IServiceCollection s)
    {
        base.ConfigureServices(s);
        s.AddSingleton<IStartupFilter, ClientAddresses>();
    }
}

/// <summary>One user cannot use up the service for the others, from any address.</summary>
public sealed class UserLimitsTests(UserLimitsFixture app) : TestBase<UserLimitsFixture>
{
    static readonly TimeSpan Hour = TimeSpan.FromHours(1), TenMinutes = TimeSpan.FromMinutes(10);

    [Theory]
    [InlineData("GET", "/me/export", 200)]
    [InlineData("POST", "/email/verify/resend", 202)]
    public async Task Requests_with_a_token_count_for_the_user_and_not_for_the_address(string method, string path, int status)
    {
        var (one, other, here) = (await app.CreateUserAsync(), await app.CreateUserAsync(), Fresh());
        foreach (var user in new[] { one, other })
        {
            for (var i = 0; i < UserLimitsFixture.Most; i++)
                ((int)(await SendAsync(user, here)).StatusCode).ShouldBe(status);
        }
        await ShouldWaitAsync(await SendAsync(one, Fresh()), Hour);

        Task<HttpResponseMessage> SendAsync(TestUser user, string address)
        {
            var message = ClientAddresses.From(address, new(method), path);
            message.Headers.Authorization = new("Bearer", user.Token);
            return app.Client.SendAsync(message, Cancellation);
        }
    }

    [Fact]
    public async Task An_upload_beyond_the_hourly_limit_is_refused_before_its_body_arrives()
    {
        using var client = app.ClientFor(await app.CreateUserAsync());
        for (var i = 0; i < UserLimitsFixture.Uploads; i++)
            await (await client.UploadAsync([1, 2, 3], Cancellation)).ShouldBeProblemAsync(HttpStatusCode.BadRequest);
        var held = HeldContent.Image(TestImage.Bytes("upright.jpg"), 0);
        await ShouldWaitAsync(await SoonAsync(client.PostAsync("/me/upload-image", held, Cancellation)), Hour);
        held.Release();
        using var another = app.ClientFor(await app.CreateUserAsync());
        await another.UploadForUrlAsync(TestImage.Bytes("upright.jpg"), Cancellation);
    }

    [Fact]
    public async Task A_user_s_third_concurrent_upload_is_refused_before_its_body_arrives()
    {
        var image = TestImage.Bytes("upright.jpg");
        using var client = app.ClientFor(await app.CreateUserAsync());
        await ShouldTakeTwoAsync(
            () => HeldContent.Image(image, 1000), content => client.PostAsync("/me/upload-image", content, Cancellation),
            async () =>
            {
                using var another = app.ClientFor(await app.CreateUserAsync());
                await another.UploadForUrlAsync(image, Cancellation);
            });
        await client.UploadForUrlAsync(image, Cancellation);
    }

    [Fact]
    public async Task A_user_has_at_most_two_concurrent_password_hashes()
    {
        var user = await app.CreateUserAsync();
        using var client = app.ClientFor(user);
        await ShouldTakeTwoAsync(
            () => HeldContent.Text($$"""{"current_password":"{{user.Password}}","new_password":"{{user.Password}}"}""", "application/json"),
            content => client.PutAsync("/me/password", content, Cancellation), () => Task.CompletedTask);
    }

    [Theory]
    [InlineData("POST", "/login")]
    [InlineData("PUT", "/me")]
    public async Task Concurrent_password_checks_of_one_account_are_limited_and_leave_room_for_others(string method, string path)
    {
        var (user, other, here) = (await app.CreateUserAsync(), await app.CreateUserAsync(), Fresh());
        // Slow enough that all requests arrive during the first verification.
        var costly = BCrypt.Net.BCrypt.HashPassword(user.Password, 12);
        await app.QueryAsync(db =>
            db.Users.Where(u => u.Id == user.Id).ExecuteUpdateAsync(u => u.SetProperty(x => x.PasswordHash, costly), Cancellation));

        var answers = Enumerable.Range(0, 20).Select(_ => SendAsync(user)).ToArray();
        var credentials = JsonContent.Create(new { email = other.Email, password = other.Password });
        var login = app.Client.SendAsync(ClientAddresses.From(here, HttpMethod.Post, "/login", credentials), Cancellation);
        var refused = (await Task.WhenAll(answers)).Where(a => a.StatusCode == HttpStatusCode.TooManyRequests).ToArray();
        refused.Length.ShouldBeGreaterThanOrEqualTo(10);
        refused.ShouldAllBe(a => a.Headers.RetryAfter!.Delta > TimeSpan.Zero);
        await (await login).ShouldBeAsync(HttpStatusCode.OK);

        Task<HttpResponseMessage> SendAsync(TestUser one)
        {
            var email = path == "/me" ? $"other-{one.Email}" : one.Email;
            var body = JsonContent.Create(new { email, password = one.Password, current_password = one.Password });
            var message = ClientAddresses.From(here, new(method), path, body);
            message.Headers.Authorization = new("Bearer", one.Token);
            return app.Client.SendAsync(message, Cancellation);
        }
    }

    [Fact]
    public async Task Refreshes_count_for_their_session_and_unknown_tokens_for_their_address()
    {
        var here = Fresh();
        var (one, other) = (await app.CreateUserAsync(), await app.CreateUserAsync());
        var token = one.RefreshToken;
        for (var i = 0; i < UserLimitsFixture.Refreshes; i++)
            token = (await (await RefreshAsync(token)).ShouldBeAsync(HttpStatusCode.OK)).GetProperty("refresh_token").GetString()!;
        await ShouldWaitAsync(await RefreshAsync(token), TenMinutes);
        // A refused refresh does not use the token up.
        token = (await (await RefreshAsync(other.RefreshToken)).ShouldBeAsync(HttpStatusCode.OK)).GetProperty("refresh_token").GetString()!;

        for (var i = 0; i < UserLimitsFixture.Refreshes; i++)
            await (await RefreshAsync(i == 0 ? "nonsense" : $"{RefreshToken.New()}")).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        await ShouldWaitAsync(await RefreshAsync($"{RefreshToken.New()}"), TenMinutes);
        await (await RefreshAsync(token)).ShouldBeAsync(HttpStatusCode.OK);
        foreach (var path in new[] { "/email/verify", "/password/reset" })
            await (await PostAsync(path, new { token = "nonsense", new_password = "correct horse battery staple" }))
                .ShouldBeProblemAsync(HttpStatusCode.BadRequest);

        Task<HttpResponseMessage> RefreshAsync(string refreshToken) => PostAsync("/token/refresh", new { refresh_token = refreshToken });

        Task<HttpResponseMessage> PostAsync(string path, object body) =>
            app.Client.SendAsync(ClientAddresses.From(here, HttpMethod.Post, path, JsonContent.Create(body)), Cancellation);
    }

    // Two are held, a third is refused at once; then the two succeed, and another one.
    static async Task ShouldTakeTwoAsync(Func<HeldContent> make, Func<HeldContent, Task<HttpResponseMessage>> send, Func<Task> meanwhile)
    {
        HeldContent[] held = [make(), make(), make()];
        try
        {
            Task<HttpResponseMessage>[] answers = [.. held.Select(send)];
            var refused = await SoonAsync(await SoonAsync(Task.WhenAny(answers)));
            await refused.ShouldBeProblemAsync(HttpStatusCode.TooManyRequests);
            refused.Headers.RetryAfter!.Delta!.Value.ShouldBeInRange(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1));
            await meanwhile();
            answers.Count(a => a.IsCompleted).ShouldBe(1);
            Array.ForEach(held, h => h.Release());
            (await SoonAsync(Task.WhenAll(answers))).Count(a => a.StatusCode != HttpStatusCode.TooManyRequests).ShouldBe(2);
        }
        finally
        {
            Array.ForEach(held, h => h.Release());
        }
    }

    static Task<T> SoonAsync<T>(Task<T> task) => task.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
}
