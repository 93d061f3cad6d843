using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Outbox;
using Profiles.Infrastructure.Settings;
using Profiles.Infrastructure.Telemetry;

namespace Profiles.Infrastructure.Mail;

/// <summary>Registers the sending of mails: to the mail server of the settings, or into a directory.</summary>
static class MailSetup
{
    // A slow mail does not delay the next.
    const int Concurrency = 4;

    public static IServiceCollection AddMail(this IServiceCollection services)
    {
        services.AddSection<MailOptions>("Mail")
            .Validate(o => o.Host is null || IsHost(o.Host), "Mail__Host must be a host name or an address.")
            .Validate(o => o.Host is null || o.From is not null, "Mail__Host is set: Mail__From must be set too.")
            .Validate(
                o => o.From is null || o.Sender is not null,
                "Mail__From must be an address such as Profiles <no-reply@example.com>, in ASCII.")
            .Validate(
                o => new[] { o.Password, o.AccessToken, o.AccessTokenFile }.Count(v => v is not null) == (o.Username is null ? 0 : 1),
                "Mail__Username and one of Mail__Password, Mail__AccessToken and Mail__AccessTokenFile must be set together.")
            .Validate(
                o => o.AccessToken is null || o.BearerToken is not null,
                "Mail__AccessToken must be printable ASCII characters without spaces.")
            .Validate(
                o => o.AccessTokenFile is null || o.BearerToken is not null,
                "Mail__AccessTokenFile must be a file with an access token.")
            .Validate(
                o => o.EffectiveTls != MailTls.None || o.Host is null || (o.IsHostLoopback && o.Username is null),
                "Without TLS (Mail__Tls, Mail__StartTls) Mail__Host must be localhost or a loopback address, "
                    + "and Mail__Username must not be set.")
            .Validate(
                o => o.EhloName is null || (o.EhloName.All(char.IsAscii) && IsHost(o.EhloName)),
                "Mail__EhloName must be a host name or an address.")
            .Validate(o => o.RootCertificate is null || o.Roots is not null, "Mail__RootCertificate must be a PEM file of certificates.")
            .Validate(
                o => o.ResetUrl is null || MailOptions.IsTemplate(o.ResetUrl),
                "Mail__ResetUrl must be an address with {token} in it, such as https://app.example.com/reset?token={token}.")
            .Validate(
                o => o.VerifyUrl is null || MailOptions.IsTemplate(o.VerifyUrl),
                "Mail__VerifyUrl must be an address with {token} in it, such as https://app.example.com/verify?token={token}.")
            .Validate(o => o.Templates is null || Directory.Exists(o.Templates), "Mail__Templates must be a directory of mail templates.");
        return services
            .AddScoped<MailOutbox>()
            .AddSingleton<MailTemplateFiles>()
            .AddSingleton<MailTemplates>()
            .AddSingleton<SmtpMailer>()
            .AddSingleton<MailDirectory>()
            .AddSingleton<IMailer>(p => new MeasuredMailer(
                p.GetRequiredService<IOptions<MailOptions>>().Value.Host is null
                    ? p.GetRequiredService<MailDirectory>()
                    : p.GetRequiredService<SmtpMailer>(),
                p.GetRequiredService<ServiceMetrics>()))
            // An attempt ends with the mail timeout; the rest is for the database.
            .AddOutboxHandler<MailHandler>(
                [OutboxStore.Mail],
                p => p.GetRequiredService<IOptions<MailOptions>>().Value.Timeout + TimeSpan.FromSeconds(5),
                Concurrency);
    }

    static bool IsHost(string name) => Uri.CheckHostName(name) != UriHostNameType.Unknown;
}
