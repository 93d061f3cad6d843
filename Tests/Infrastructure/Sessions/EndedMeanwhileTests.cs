using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Profiles.Data;

namespace Profiles.Tests.Infrastructure.Sessions;

/// <summary>
/// The owner ends all sessions, or proves the mailbox, while a thief's request is in progress: it adds nothing that outlasts them.
/// </summary>
public sealed class EndedMeanwhileTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    [Fact]
    public async Task No_secret_of_an_authenticator_app_is_left_behind()
    {
        var user = await app.CreateUserAsync();
        await ShouldBeRefusedAsync(user, client => client.PostAsync("/me/mfa/totp", null, Cancellation));
        (await app.QueryAsync(db => db.SecondFactors.AnyAsync(f => f.UserId == user.Id))).ShouldBeFalse();
    }

    [Fact]
    public async Task No_recovery_codes_are_given()
    {
        var enrolled = await app.CreateEnrolledAsync();
        var before = await CodesAsync();
        await ShouldBeRefusedAsync(
            await app.LogInAsync(enrolled), client => client.PostAsync("/me/mfa/recovery-codes", null, Cancellation));
        (await CodesAsync()).ShouldBe(before);

        Task<List<byte[]>> CodesAsync() => app.QueryAsync(
            db => db.RecoveryCodes.Where(c => c.UserId == enrolled.User.Id).OrderBy(c => c.CodeHash).Select(c => c.CodeHash).ToListAsync());
    }

    [Fact]
    public async Task No_first_password_is_set()
    {
        var user = await WithoutPasswordAsync();
        await ShouldBeRefusedAsync(user, client => client.PutAsJsonAsync(
            "/me/password", new { new_password = "another horse battery staple" }, Cancellation));
        (await FindAsync(user)).PasswordHash.ShouldBe("");
    }

    [Fact]
    public async Task No_other_address_is_set()
    {
        var user = await WithoutPasswordAsync();
        await ShouldBeRefusedAsync(
            user, client => client.PutAsJsonAsync("/me", new { email = $"thief-{Guid.NewGuid():N}@example.com" }, Cancellation));
        (await FindAsync(user)).Email.ShouldBe(user.Email);
    }

    async Task<TestUser> WithoutPasswordAsync()
    {
        var user = await app.CreateUserAsync();
        await app.QueryAsync(db => db.Users.Where(u => u.Id == user.Id).ExecuteUpdateAsync(u => u.SetProperty(x => x.PasswordHash, "")));
        return user;
    }

    async Task<User> FindAsync(TestUser user) => (await app.QueryAsync(db => db.FindUserAsync(user.Id, Cancellation)))!;

    async Task ShouldBeRefusedAsync(TestUser user, Func<HttpClient, Task<HttpResponseMessage>> send) =>
        await (await app.EndedMeanwhileAsync(user, send)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
}

static class EndedMeanwhile
{
    /// <summary>Sends a request, and ends the user's sessions when it is past all checks and waits for the user's row.</summary>
    public static async Task<HttpResponseMessage> EndedMeanwhileAsync(
        this ProfilesFixture app, TestUser user, Func<HttpClient, Task<HttpResponseMessage>> send)
    {
        using var client = app.ClientFor(user);
        var trace = $"ended {user.Id}";
        client.DefaultRequestHeaders.Add("X-Test-Trace", trace);
        using var scope = app.Services.CreateScope();
        var db = scope.ServiceProvider.GetRequiredService<ProfilesDbContext>();
        var commands = app.Services.GetRequiredService<CommandLog>();
        Task<HttpResponseMessage> answer;
        await using (var change = await db.LockUserAsync(user.Id, TestContext.Current.CancellationToken))
        {
            // An addition of a way in locks this one first.
            await ProfilesDbContext.TryLockAsync(db.Users.Where(u => u.Id == user.Id), TestContext.Current.CancellationToken);
            answer = send(client);
            var patience = Stopwatch.StartNew();
            // The question whether the login is fresh is the last before the lock.
            while (!commands.Of(trace).Any(c => c.Text.Contains("second_factors", StringComparison.Ordinal)))
            {
                patience.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(30));
                await Task.Delay(10, TestContext.Current.CancellationToken);
            }
            // That question's answer.
            await Task.Delay(100, TestContext.Current.CancellationToken);
            answer.IsCompleted.ShouldBeFalse();
            await db.Sessions.Where(s => s.UserId == user.Id).ExecuteDeleteAsync(TestContext.Current.CancellationToken);
            await change.CommitAsync(TestContext.Current.CancellationToken);
        }
        return await answer;
    }
}
