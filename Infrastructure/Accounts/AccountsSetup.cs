using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Mail;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Accounts;

/// <summary>Registers what accounts consist of: passwords, addresses and registrations.</summary>
static class AccountsSetup
{
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
            .AddScoped<AccountDeletion>()
            .AddScoped<WaitingRegistrations>()
            .AddScoped<OneTimeTokens>()
            .AddScoped<MailBudget>()
            .AddScoped<MailWriter>();
    }
}
