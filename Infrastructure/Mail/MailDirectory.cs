using System.Security.Cryptography;
using Microsoft.Extensions.Options;
using MimeKit;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Mail;

/// <summary>Writes mails to files for development: they reach nobody. Keeps the latest thousand.</summary>
sealed class MailDirectory(IOptions<ServiceOptions> options, TimeProvider clock) : IMailer
{
    public const int Kept = 1000;

    public async Task SendAsync(string recipient, MimeMessage message, CancellationToken ct)
    {
        try
        {
            var directory = PrivateFiles.CreateDirectory(options.Value.MailDirectory).FullName;
            var name = $"{clock.GetUtcNow().UtcDateTime:yyyyMMdd-HHmmss-ffffff}-{RandomNumberGenerator.GetHexString(8, lowercase: true)}";
            var temporary = Path.Combine(directory, $".{name}.tmp");
            await using (var file = PrivateFiles.Create(temporary))
            {
                await message.WriteToAsync(MailMessage.Format, file, ct);
                file.Flush(flushToDisk: true);
            }
            // Renamed when complete: a reader sees the whole mail or none.
            File.Move(temporary, Path.Combine(directory, $"{name}.eml"));
            foreach (var old in Directory.GetFiles(directory, "*.eml").OrderDescending(StringComparer.Ordinal).Skip(Kept))
                File.Delete(old);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new MailException("The mail directory cannot be written to.", e);
        }
    }
}
