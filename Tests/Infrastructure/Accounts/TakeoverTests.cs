using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Profiles.Data;
using Profiles.Infrastructure.Mail;
using Profiles.Tests.Features.VerifyEmail;

namespace Profiles.Tests.Infrastructure.Accounts;

/// <summary>Each way to take an account over, step by step, with and without required verification.</summary>
public abstract class TakeoverTests<T>(T app) : TestBase<T> where T : ProfilesFixture
{
    protected const string New = "another horse battery staple", Confirm = "Confirm your e-mail address", Reset = "Set a new password";

    static readonly string[] Devices = ["Thief's phone", "Own phone"];

    protected abstract Task<TestUser> CreateAsync();

    [Theory]
    [InlineData("PUT")]
    [InlineData("PATCH")]
    public async Task A_change_of_address_needs_the_current_password(string method)
    {
        var user = await CreateAsync();
        var before = await StoredAsync(user);
        var other = $"other-{user.Email}";
        await (await ChangeAsync(user, other, null, method)).ShouldRefuseFieldsAsync("current_password");
        await (await ChangeAsync(user, other, "", method)).ShouldRefuseFieldsAsync("current_password");
        await (await ChangeAsync(user, other, "a\0b", method)).ShouldRefuseFieldsAsync("current_password");
        await (await ChangeAsync(user, other, "wrong password", method))
            .ShouldBeProblemAsync(HttpStatusCode.Forbidden, "The current password is wrong");
        var after = await StoredAsync(user);
        (after.Email, after.PendingEmail, after.Profile.Version).ShouldBe((before.Email, before.PendingEmail, before.Profile.Version));
        (await app.QueryAsync(db => db.Outbox.CountAsync(e => e.Key == other))).ShouldBe(0);
        var failed = await WaitAsync(() => app.QueryAsync(db => db.SecurityEvents.AsNoTracking()
            .FirstOrDefaultAsync(e => e.UserId == user.Id && e.Kind == SecurityEventKind.LoginFailed)));
        failed.Device.ShouldBe("Own phone");
        // The same address in another spelling needs no password, and neither does any other field.
        await (await ChangeAsync(user, $" {user.Email.ToUpperInvariant()} ", null, method)).ShouldBeAsync(HttpStatusCode.OK);
        await (await SendAsync(user, method, new { name = "Another" })).ShouldBeAsync(HttpStatusCode.OK);
        await (await ChangeAsync(user, other, user.Password, method)).ShouldBeAsync(HttpStatusCode.OK);
        // A second change needs the password again, in both modes.
        await (await ChangeAsync(user, "x" + other, null, method)).ShouldRefuseFieldsAsync("current_password");
        (await app.MailAsync(user.Email, "A change of your e-mail address")).Raw.ShouldContain(other);
    }

    [Fact]
    public async Task A_stale_If_Match_is_refused_before_the_password_is_checked_and_the_password_alone_changes_nothing()
    {
        var user = await CreateAsync();
        using var request =
            new HttpRequestMessage(HttpMethod.Put, "/me") { Content = JsonContent.Create(new { email = "other-" + user.Email }) };
        request.Headers.Add("If-Match", "\"stale\"");
        await (await app.ClientFor(user).SendAsync(request, Cancellation)).ShouldBeProblemAsync(HttpStatusCode.PreconditionFailed);
        await (await SendAsync(user, "PUT", new { current_password = user.Password }))
            .ShouldBeProblemAsync(HttpStatusCode.BadRequest, "There is nothing to change: send a field of the profile.");
        await (await SendAsync(user, "PATCH", new { current_password = user.Password })).ShouldBeAsync(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_change_of_password_voids_everything_pending_and_ends_the_other_sessions()
    {
        var user = await CreateAsync();
        var thief = await app.LogInAsync(user, "Thief's phone");
        var reset = await RequestResetAsync(user);
        await QueueResetMailAsync(user);
        await (await ChangePasswordAsync(user)).ShouldBeAsync(HttpStatusCode.OK);
        await ShouldBeVoidedAsync(user, reset);
        await ShouldBeEndedAsync(user, thief);
        (await EventAsync(user, SecurityEventKind.PasswordChanged)).Device.ShouldBe("Own phone");
        using var own = app.ClientFor(user);
        await (await own.GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_reset_voids_everything_pending_and_ends_all_sessions()
    {
        var user = await CreateAsync();
        var thief = await app.LogInAsync(user, "Thief's phone");
        var reset = await RequestResetAsync(user);
        await QueueResetMailAsync(user);
        await (await ResetAsync(reset)).ShouldBeAsync(HttpStatusCode.OK);
        await ShouldBeVoidedAsync(user, reset);
        await ShouldBeEndedAsync(user, thief, user);
    }

    [Fact]
    public async Task A_mail_in_progress_when_the_password_changes_creates_no_token()
    {
        var user = await CreateAsync();
        var entry = await QueueResetMailAsync(user);
        await (await ChangePasswordAsync(user)).ShouldBeAsync(HttpStatusCode.OK);
        // Acts like an instance that picked the mail up before the change.
        using (var scope = app.Services.CreateScope())
            await scope.ServiceProvider.GetRequiredService<MailHandler>().HandleAsync(entry, Cancellation);
        (await app.QueryAsync(db => db.OneTimeTokens.CountAsync(t => t.UserId == user.Id))).ShouldBe(0);
        app.MailsTo(user.Email).ShouldNotContain(m => m.Subject == Reset);
    }

    [Fact]
    public async Task A_reset_sent_to_the_old_address_is_void_after_a_change_of_address()
    {
        var user = await CreateAsync();
        var thief = await app.LogInAsync(user, "Thief's phone");
        var reset = await RequestResetAsync(user);
        await QueueResetMailAsync(user);
        var email = $"new-{user.Email}";
        await (await ChangeAsync(user, email, user.Password)).ShouldBeAsync(HttpStatusCode.OK);
        await (await VerifyAsync((await app.MailAsync(email, Confirm)).Token)).ShouldBeAsync(HttpStatusCode.OK);
        await ShouldBeVoidedAsync(user with { Email = email }, reset);
        await ShouldBeEndedAsync(user, thief);
        (await EventAsync(user, SecurityEventKind.EmailChanged)).UserId.ShouldBe(user.Id);
        // The session that changed the address stays logged in.
        using var own = app.ClientFor(user);
        (await (await own.GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK)).GetProperty("email").GetString().ShouldBe(email);
    }

    [Fact]
    public async Task A_mail_goes_to_the_stored_spelling_of_the_address()
    {
        var user = await CreateAsync();
        foreach (var spelling in new[] { user.Email.ToUpperInvariant(), $" {user.Email} " })
            await (await app.Client.PostAsJsonAsync("/password/forgot", new { email = spelling }, Cancellation))
                .ShouldBeAsync(HttpStatusCode.Accepted);
        await app.MailAsync(user.Email, Reset, count: 2);
        app.MailsTo(user.Email.ToUpperInvariant()).ShouldBeEmpty();
        await WaitAsync(() => app.QueryAsync(db => db.SecurityEvents.AsNoTracking()
            .FirstOrDefaultAsync(e => e.UserId == user.Id && e.Kind == SecurityEventKind.PasswordResetRequested)));
    }

    protected async Task ShouldBeVoidedAsync(TestUser user, params string[] tokens)
    {
        foreach (var token in tokens)
        {
            await (await ResetAsync(token)).ShouldBeProblemAsync(HttpStatusCode.BadRequest, VerifyEmailTests.Refusal);
            await (await VerifyAsync(token)).ShouldBeProblemAsync(HttpStatusCode.BadRequest, VerifyEmailTests.Refusal);
        }
        var stored = await StoredAsync(user);
        (stored.Email, stored.PendingEmail).ShouldBe((user.Email, null));
        (await app.QueryAsync(db => db.OneTimeTokens.CountAsync(t => t.UserId == user.Id))).ShouldBe(0);
        (await app.QueryAsync(db => db.Outbox.CountAsync(e => e.Key == user.Email && e.Mail == MailKind.ResetPassword))).ShouldBe(0);
    }

    async Task ShouldBeEndedAsync(TestUser user, params TestUser[] ended)
    {
        foreach (var session in ended)
        {
            using var client = app.ClientFor(session);
            await (await client.GetAsync("/me", Cancellation)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        }
        var devices =
            await app.QueryAsync(db => db.SecurityEvents.Where(e => e.UserId == user.Id && e.Kind == SecurityEventKind.SessionEnded)
                .Select(e => e.Device).ToListAsync());
        devices.Order().ShouldBe(Devices.Take(ended.Length).Order());
    }

    // An outbox entry of a mail with a token that is not sent yet.
    private protected Task<OutboxEntry> QueueResetMailAsync(TestUser user) => app.QueryAsync(async db =>
    {
        var now = app.Clock.GetUtcNow().UtcDateTime;
        var entry = new OutboxEntry
        {
            Store = OutboxStore.Mail,
            State = OutboxState.Settling,
            Mail = MailKind.ResetPassword,
            UserId = 0,
            Key = user.Email,
            CreatedAt = now,
            DueAt = now.AddDays(1)
        };
        db.Outbox.Add(entry);
        await db.SaveChangesAsync(Cancellation);
        return entry;
    });

    protected async Task<string> RequestResetAsync(TestUser user)
    {
        (await app.Client.PostAsJsonAsync("/password/forgot", new { email = user.Email }, Cancellation))
            .StatusCode.ShouldBe(HttpStatusCode.Accepted);
        return (await app.MailAsync(user.Email, Reset)).Token;
    }

    protected async Task<TEntity> WaitAsync<TEntity>(Func<Task<TEntity?>> look) where TEntity : class
    {
        for (var patience = 0; patience < 600; patience++)
        {
            if (await look() is { } found)
                return found;
            await Task.Delay(50, Cancellation);
        }
        throw new TimeoutException();
    }

    private protected Task<SecurityEvent> EventAsync(TestUser user, SecurityEventKind kind) =>
        app.QueryAsync(db => db.SecurityEvents.SingleAsync(e => e.UserId == user.Id && e.Kind == kind));

    private protected Task<User> StoredAsync(TestUser user) =>
        app.QueryAsync(db => db.Users.AsNoTracking().Include(u => u.Profile).SingleAsync(u => u.Id == user.Id));

    protected Task<HttpResponseMessage> ChangeAsync(TestUser user, string email, string? password, string method = "PUT") =>
        SendAsync(user, method, password is null ? new { email } : new { email, current_password = password });

    protected Task<HttpResponseMessage> ChangePasswordAsync(TestUser user) =>
        app.ClientFor(user).PutAsJsonAsync("/me/password", new { current_password = user.Password, new_password = New }, Cancellation);

    protected Task<HttpResponseMessage> ResetAsync(string token) =>
        app.Client.PostAsJsonAsync("/password/reset", new { token, new_password = New }, Cancellation);

    protected Task<HttpResponseMessage> VerifyAsync(string token) =>
        app.Client.PostAsJsonAsync("/email/verify", new { token }, Cancellation);

    Task<HttpResponseMessage> SendAsync(TestUser user, string method, object body) => app.ClientFor(user).SendAsync(
        new(new(method), "/me")
        {
            Content = JsonContent.Create(
                body, new MediaTypeHeaderValue(method == "PATCH" ? "application/merge-patch+json" : "application/json")),
        }, Cancellation);
}

/// <summary>Without required verification, a new address is in force at once.</summary>
public sealed class TakeoverAtOnceTests(ProfilesFixture app) : TakeoverTests<ProfilesFixture>(app)
{
    readonly ProfilesFixture app = app;

    protected override async Task<TestUser> CreateAsync()
    {
        var user = await app.CreateUserAsync();
        var own = await app.LogInAsync(user, "Own phone");
        await app.QueryAsync(db => db.Sessions.Where(s => s.Id == user.SessionId).ExecuteDeleteAsync(Cancellation));
        return own;
    }

    [Fact]
    public async Task The_first_confirmation_voids_the_tokens_and_leaves_the_sessions_logged_in()
    {
        var user = await CreateAsync();
        var (confirm, reset) = ((await app.MailAsync(user.Email, Confirm)).Token, await RequestResetAsync(user));
        await (await VerifyAsync(confirm)).ShouldBeAsync(HttpStatusCode.OK);
        await ShouldBeVoidedAsync(user, confirm, reset);
        using var own = app.ClientFor(user);
        (await (await own.GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK)).GetProperty("email_verified").GetBoolean()
            .ShouldBeTrue();
    }
}

/// <summary>With required verification, a new address is pending until it is confirmed.</summary>
public sealed class TakeoverByPendingAddressTests(VerifiedFixture app) : TakeoverTests<VerifiedFixture>(app)
{
    readonly VerifiedFixture app = app;

    protected override async Task<TestUser> CreateAsync()
    {
        var user = await app.CreateVerifiedAsync();
        var own = await app.LogInAsync(user, "Own phone");
        await app.QueryAsync(db => db.Sessions.Where(s => s.Id == user.SessionId).ExecuteDeleteAsync(Cancellation));
        return own;
    }

    [Theory]
    [InlineData("password")]
    [InlineData("reset")]
    [InlineData("present address")]
    [InlineData("another address")]
    public async Task The_pending_address_and_its_token_are_void_after(string what)
    {
        var user = await CreateAsync();
        var pending = $"thief-{user.Email}";
        await (await ChangeAsync(user, pending, user.Password)).ShouldBeAsync(HttpStatusCode.OK);
        var token = (await app.MailAsync(pending, Confirm)).Token;
        await (await (what switch
        {
            "password" => ChangePasswordAsync(user),
            "reset" => ResetAsync(await RequestResetAsync(user)),
            "another address" => ChangeAsync(user, "x" + user.Email, user.Password),
            _ => ChangeAsync(user, user.Email, password: null),
        })).ShouldBeAsync(HttpStatusCode.OK);
        await (await VerifyAsync(token)).ShouldBeProblemAsync(HttpStatusCode.BadRequest, VerifyEmailTests.Refusal);
        var stored = await StoredAsync(user);
        (stored.Email, stored.PendingEmail).ShouldBe((user.Email, what == "another address" ? "x" + user.Email : null));
        (await app.QueryAsync(db => db.OneTimeTokens.CountAsync(t => t.UserId == user.Id && t.NormalizedEmail == pending))).ShouldBe(0);
        // After a second request for the same address the first token stays invalid.
        var again = what is "password" or "reset" ? await app.LogInAsync(user with { Password = New }) : user;
        await (await ChangeAsync(again, pending, again.Password)).ShouldBeAsync(HttpStatusCode.OK);
        await (await VerifyAsync(token)).ShouldBeProblemAsync(HttpStatusCode.BadRequest, VerifyEmailTests.Refusal);
        await (await VerifyAsync((await app.MailAsync(pending, Confirm, count: 2)).Token)).ShouldBeAsync(HttpStatusCode.OK);
    }

    [Fact]
    public async Task The_old_address_is_notified_when_a_change_is_requested_and_when_it_takes_effect()
    {
        var user = await CreateAsync();
        var email = $"new-{user.Email}";
        await (await ChangeAsync(user, email, user.Password)).ShouldBeAsync(HttpStatusCode.OK);
        (await app.MailAsync(user.Email, "A change of your e-mail address")).Raw.ShouldContain(email);
        (await EventAsync(user, SecurityEventKind.EmailChangeRequested)).Device.ShouldBe("Own phone");
        await (await VerifyAsync((await app.MailAsync(email, Confirm)).Token)).ShouldBeAsync(HttpStatusCode.OK);
        (await app.MailAsync(user.Email, "Your e-mail address was changed")).Raw.ShouldContain(email);
    }

    [Fact]
    public async Task The_owner_of_a_taken_address_is_notified_at_the_stored_spelling()
    {
        var (user, owner) = (await CreateAsync(), await CreateAsync());
        await (await ChangeAsync(user, owner.Email.ToUpperInvariant(), user.Password)).ShouldBeAsync(HttpStatusCode.OK);
        await app.MailAsync(owner.Email, "You have an account already");
        app.MailsTo(owner.Email.ToUpperInvariant()).ShouldBeEmpty();
    }
}
