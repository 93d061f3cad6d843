using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Accounts;
using Profiles.Infrastructure.Outbox;

namespace Profiles.Infrastructure.Mail;

/// <summary>Registers the mails and where they go: to the mail server of the settings, or into a directory.</summary>
static class MailSetup
{
    public static IServiceCollection AddMail(this IServiceCollection services) => services
        .AddScoped<MailOutbox>()
        .AddScoped<MailWriter>()
        .AddScoped<MailBudget>()
        .AddSingleton<SmtpMailer>()
        .AddSingleton<MailDirectory>()
        .AddSingleton<IMailer>(p => p.GetRequiredService<IOptions<MailOptions>>().Value.Host is null ? p.GetRequiredService<MailDirectory>() : p.GetRequiredService<SmtpMailer>())
        .AddKeyedScoped<IOutboxHandler, MailHandler>(OutboxStore.Mail)
        .AddHostedService<OutboxService>();
}
