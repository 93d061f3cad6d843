using System.Net;
using System.Net.Http.Json;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Errors;

namespace Profiles.Tests.Features.ResetPassword;

public sealed class ResetPasswordTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    const string New = "another horse battery staple", Refusal = "This token is not valid, or not any more: ask for another mail.";

    [Fact]
    public async Task The_token_sets_a_new_password_ends_all_sessions_and_verifies_the_address()
    {
        var user = await app.CreateUserAsync();
        await app.QueryAsync(db =>
        {
            db.Sessions.Add(new()
            {
                UserId = user.Id,
                FamilyHash = Guid.NewGuid().ToByteArray(),
                TokenHash = [1],
                CreatedAt = DateTime.UnixEpoch,
                LastUsedAt = app.Clock.GetUtcNow().UtcDateTime,
            });
            return db.SaveChangesAsync(Cancellation);
        });
        var version = (await StoredAsync(user)).Profile.Version;
        var body = await (await PostAsync(await TokenAsync(user), New)).ShouldBeAsync(HttpStatusCode.OK);
        body.GetProperty("message").GetString().ShouldBe("Password changed successfully");
        (await LoginAsync(user, user.Password)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        (await app.QueryAsync(db => db.Sessions.CountAsync(s => s.UserId == user.Id))).ShouldBe(0);
        (await app.QueryAsync(db => db.OneTimeTokens.CountAsync(t => t.UserId == user.Id && t.Purpose == TokenPurpose.ResetPassword)))
            .ShouldBe(0);
        (await app.QueryAsync(db => db.SecurityEvents.CountAsync(e => e.UserId == user.Id && e.Kind == SecurityEventKind.PasswordReset)))
            .ShouldBe(1);
        var stored = await StoredAsync(user);
        stored.EmailVerifiedAt.ShouldNotBeNull();
        stored.Profile.Version.ShouldBe(version + 1);
        (await LoginAsync(user, New)).StatusCode.ShouldBe(HttpStatusCode.OK);
        await app.MailAsync(user.Email, "Your password was changed");
    }

    [Fact]
    public async Task A_token_is_valid_once_even_when_many_try_at_the_same_time()
    {
        var user = await app.CreateUserAsync();
        var token = await TokenAsync(user);
        var statuses = await Task.WhenAll(Enumerable.Range(0, 5).Select(async i => (await PostAsync(token, $"{New} {i}")).StatusCode));
        statuses.Count(s => s == HttpStatusCode.OK).ShouldBe(1);
        statuses.Count(s => s == HttpStatusCode.BadRequest).ShouldBe(4);
        await (await PostAsync(token, New)).ShouldBeProblemAsync(HttpStatusCode.BadRequest, Refusal);
    }

    [Fact]
    public async Task A_token_that_is_expired_invalid_or_for_another_purpose_or_address_is_refused_and_nothing_changes()
    {
        var user = await app.CreateUserAsync();
        var now = app.Clock.GetUtcNow().UtcDateTime;
        foreach (var token in new[]
        {
            await StoreAsync(user, TokenPurpose.ResetPassword, user.Email, now.AddSeconds(-1)),
            await StoreAsync(user, TokenPurpose.VerifyEmail, user.Email, now.AddHours(1)),
            await StoreAsync(user, TokenPurpose.ResetPassword, "before@example.com", now.AddHours(1)), Guid.NewGuid().ToString("N"), "x",
            new string('x', 5000), "\u00FC\0",
        })
            await (await PostAsync(token, New)).ShouldBeProblemAsync(HttpStatusCode.BadRequest, Refusal);
        (await LoginAsync(user, user.Password)).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_password_that_attackers_try_first_is_refused_and_the_token_stays_valid()
    {
        var user = await app.CreateUserAsync();
        var token = await TokenAsync(user);
        await (await PostAsync(token, "iloveyou1")).ShouldBeProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.PasswordTooCommon.Sentence);
        await (await PostAsync(token, user.Email)).ShouldRefuseFieldsAsync("new_password");
        await (await PostAsync(token, "1234567")).ShouldRefuseFieldsAsync("new_password");
        await (await PostAsync(token, New)).ShouldBeAsync(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData("""{"token":"","new_password":"another horse battery staple"}""", "token")]
    [InlineData("""{"new_password":"another horse battery staple"}""", "token")]
    [InlineData("""{"token":5,"new_password":"another horse battery staple"}""", "token")]
    [InlineData("""{"token":"x"}""", "new_password")]
    public async Task A_refused_field_is_named(string body, string field) =>
        await (await app.Client.PostAsync("/password/reset", new StringContent(body,
            new System.Net.Http.Headers.MediaTypeHeaderValue("application/json")), Cancellation)).ShouldRefuseFieldsAsync(field);

    // Stored as the mail's token would be; the tests of ForgotPassword cover the mail.
    Task<string> TokenAsync(TestUser user) =>
        StoreAsync(user, TokenPurpose.ResetPassword, user.Email, app.Clock.GetUtcNow().UtcDateTime.AddMinutes(30));

    Task<string> StoreAsync(TestUser user, TokenPurpose purpose, string email, DateTime expires) => app.QueryAsync(async db =>
    {
        var token = Guid.NewGuid().ToString("N");
        var hash = System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.ASCII.GetBytes(token));
        db.OneTimeTokens.Add(new() { UserId = user.Id, Purpose = purpose, TokenHash = hash, NormalizedEmail = email, ExpiresAt = expires });
        await db.SaveChangesAsync(Cancellation);
        return token;
    });

    Task<User> StoredAsync(TestUser user) =>
        app.QueryAsync(db => db.Users.AsNoTracking().Include(u => u.Profile).SingleAsync(u => u.Id == user.Id));

    Task<HttpResponseMessage> LoginAsync(TestUser user, string password) =>
        app.Client.PostAsJsonAsync("/login", new { email = user.Email, password }, Cancellation);

    Task<HttpResponseMessage> PostAsync(string token, string password) =>
        app.Client.PostAsJsonAsync("/password/reset", new { token, new_password = password }, Cancellation);
}
