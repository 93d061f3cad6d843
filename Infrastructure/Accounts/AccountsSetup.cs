using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Cleanup;
using Profiles.Infrastructure.Mail;
using Profiles.Infrastructure.OpenApi;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Accounts;

/// <summary>Registers the services of accounts: passwords, addresses and registrations. Marks the routes that guests may take.</summary>
static class AccountsSetup
{
    /// <summary>The anonymous route takes the access token of a guest (`from_guest`), by <see cref="GuestUpgrade"/>.</summary>
    public static RouteHandlerBuilder TakesGuest(this RouteHandlerBuilder route) => route.WithMetadata(new OptionalToken())
        .ProducesProblem(StatusCodes.Status401Unauthorized).ProducesProblem(StatusCodes.Status409Conflict);

    public static IServiceCollection AddAccounts(this IServiceCollection services)
    {
        services.AddSection<AccountOptions>("Accounts")
            .Validate<IOptions<MailOptions>, IHostEnvironment>(
                (o, mail, environment) => !environment.IsProduction() || !o.RequireVerifiedEmail || mail.Value.Host is not null,
                "Accounts__RequireVerifiedEmail needs Mail__Host: nobody could confirm an address without it.");
        return services
            .AddScoped<PendingChanges>()
            .AddScoped<EmailChange>()
            .AddScoped<PasswordChange>()
            .AddScoped<PasswordCheck>()
            .AddScoped<OwnerCheck>()
            .AddScoped<AccountDeletion>()
            .AddScoped<AccountArchive>()
            .AddScoped<AccountControl>()
            .AddScoped<UserLookup>()
            .AddScoped<WaysIn>()
            .AddScoped<IdentityLinks>()
            .AddScoped<GuestUpgrade>()
            .AddScoped<GuestCleanup>()
            .AddScoped<WaitingRegistrations>()
            .AddScoped<OneTimeTokens>()
            .AddScoped<MailCodes>()
            .AddScoped<MailCodeCheck>()
            .AddScoped<Mailboxes>()
            .AddScoped<MailBudget>()
            .AddScoped<IMailWriter, MailWriter>()
            .AddCleanup("registrations", provider =>
            {
                var lifetime = provider.GetRequiredService<IOptions<AccountOptions>>().Value.VerifyLifetime;
                return (db, now, ct) =>
                {
                    var expired = now - lifetime;
                    return db.WaitingRegistrations
                        .Where(r => r.CreatedAt <= expired && db.WaitingRegistrations.Where(x => x.CreatedAt <= expired)
                            .OrderBy(x => x.CreatedAt).Take(CleanupService.Batch)
                            .Select(x => x.NormalizedEmail).Contains(r.NormalizedEmail))
                        .ExecuteDeleteAsync(ct);
                };
            })
            .AddCleanup("guests", provider => provider.GetRequiredService<GuestCleanup>().CleanAsync)
            .AddCleanup("codes", (db, now, ct) =>
                db.MailCodes.Where(c => c.ExpiresAt <= now).OrderBy(c => c.ExpiresAt).Take(CleanupService.Batch).ExecuteDeleteAsync(ct))
            .AddCleanup("tokens", (db, now, ct) =>
                db.OneTimeTokens.Where(t => t.ExpiresAt <= now).OrderBy(t => t.ExpiresAt)
                    .Take(CleanupService.Batch).ExecuteDeleteAsync(ct));
    }
}
