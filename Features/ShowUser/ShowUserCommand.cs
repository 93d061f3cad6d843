using System.CommandLine;
using System.Globalization;
using Profiles.Data;
using Profiles.Infrastructure.Accounts;
using Profiles.Infrastructure.Commands;

namespace Profiles.Features.ShowUser;

sealed class ShowUserCommand : UserCommand
{
    readonly Option<bool> json = CommandRun.JsonOption();

    public ShowUserCommand() : base(
        "users show",
        "Shows an account: address, profile, state and sessions.",
        "Profiles users show john@example.com",
        "Profiles users show 42 --json") => Add(json);

    protected override async Task<int> RunAsync(CommandRun run, User user, CancellationToken ct)
    {
        var shown = await ActivatorUtilities.CreateInstance<ShowUserReader>(run.Services).ReadAsync(user, ct);
        if (run.Arguments.GetValue(json))
        {
            await run.WriteJsonAsync(shown);
            return 0;
        }
        (string Name, object? Value)[] lines =
        [
            ("id", shown.Id), ("address", shown.Email), ("confirmed", shown.EmailVerifiedAt), ("pending address", shown.PendingEmail),
            ("name", shown.Name), ("username", shown.Username), ("public", shown.IsPublic ? "yes" : "no"), ("image", shown.ImageUrl),
            ("external id", shown.ExternalId), ("registered", shown.CreatedAt), ("changed", shown.UpdatedAt),
            ("disabled", shown.DisabledAt), ("guest since", shown.GuestSince),
            ("password", shown.HasPassword ? "yes" : "no"),
            ("identities", shown.Identities.Count == 0 ? null : string.Join(", ", shown.Identities)),
            ("passkeys", shown.Passkeys), ("second factor", shown.HasSecondFactor ? "yes" : "no"),
            ("sessions", shown.Sessions), ("last used", shown.LastUsedAt),
        ];
        foreach (var (name, value) in lines)
            await run.Output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{name,-16} {Text(value)}"));
        return 0;
    }

    static object Text(object? value) => value switch
    {
        null => "-",
        DateTime time => time.ToString("u", CultureInfo.InvariantCulture),
        _ => value,
    };
}
