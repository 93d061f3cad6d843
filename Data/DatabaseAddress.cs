using System.Data.Common;
using System.Globalization;
using System.Text.RegularExpressions;
using Npgsql;

namespace Profiles.Data;

/// <summary>Reads <c>ConnectionStrings__Profiles</c>: which database it means, and its connection string.</summary>
static partial class DatabaseAddress
{
    const string Setting = "ConnectionStrings__Profiles";

    // libpq's parameter names, which hosting platforms put into their URLs, and Npgsql's keywords for them
    // (https://www.postgresql.org/docs/current/libpq-connect.html).
    static readonly Dictionary<string, string> Parameters = new(StringComparer.Ordinal)
    {
        ["sslmode"] = "SSL Mode",
        ["sslrootcert"] = "Root Certificate",
        ["sslcert"] = "SSL Certificate",
        ["sslkey"] = "SSL Key",
        ["channel_binding"] = "Channel Binding",
        ["application_name"] = "Application Name",
        ["target_session_attrs"] = "Target Session Attributes",
        ["options"] = "Options",
    };

    /// <summary>Throws <see cref="DatabaseUnusableException"/>, without the value: it may contain a password.</summary>
    /// <param name="configured">The setting; null when there is none.</param>
    /// <param name="provider"><see cref="DatabaseOptions.Provider"/>.</param>
    /// <param name="defaultFile">The SQLite file when nothing is set.</param>
    public static (DatabaseProvider Provider, string ConnectionString) Read(
        string? configured, DatabaseProvider? provider, string defaultFile)
    {
        if (configured is null)
        {
            return provider is DatabaseProvider.PostgreSql
                ? throw new DatabaseUnusableException(
                    $"Database__Provider is PostgreSql: {Setting} must say where it is (Host=… or postgres://…).")
                : (DatabaseProvider.Sqlite, $"Data Source={defaultFile}");
        }
        if (configured.Length == 0)
            throw new DatabaseUnusableException($"{Setting} is empty.");
        if (Url().Match(configured) is { Success: true } url && provider is not DatabaseProvider.Sqlite)
            return (DatabaseProvider.PostgreSql, FromUrl(url));
        try
        {
            var parts = new DbConnectionStringBuilder { ConnectionString = configured };
            provider ??= parts.ContainsKey("Host") || parts.ContainsKey("Server") ? DatabaseProvider.PostgreSql : DatabaseProvider.Sqlite;
        }
        catch (ArgumentException)
        {
            throw Refusal();
        }
        return (provider.Value, configured);
    }

    /// <summary>The error for a value that is no connection string.</summary>
    public static DatabaseUnusableException Refusal() =>
        new($"{Setting} is not a connection string: Data Source=… is SQLite, "
            + "Host=… or postgres://user:password@host/database is PostgreSQL.");

    static string FromUrl(Match url)
    {
        var result = new NpgsqlConnectionStringBuilder();
        try
        {
            // Npgsql reads a list of hosts with their ports itself.
            var hosts = url.Groups["hosts"].Value;
            if (hosts.Contains(',') || PortAtTheEnd().Match(hosts) is not { Success: true } port)
            {
                result.Host = Uri.UnescapeDataString(hosts);
            }
            else
            {
                result.Host = Uri.UnescapeDataString(port.Groups[1].Value.Trim('[', ']'));
                result.Port = int.Parse(port.Groups[2].Value, CultureInfo.InvariantCulture);
            }
            if (url.Groups["user"].Success)
                result.Username = Uri.UnescapeDataString(url.Groups["user"].Value);
            if (url.Groups["password"].Success)
                result.Password = Uri.UnescapeDataString(url.Groups["password"].Value);
            if (url.Groups["database"].Value is { Length: > 0 } database)
                result.Database = Uri.UnescapeDataString(database);
            var parameters = url.Groups["query"].Value.Split('&', StringSplitOptions.RemoveEmptyEntries);
            foreach (var parameter in parameters.Select(p => p.Split('=', 2)))
            {
                if (parameter is not [var name, var value] || !Parameters.TryGetValue(name, out var keyword))
                {
                    throw new DatabaseUnusableException(
                        $"{Setting} has a parameter that is not one of these: {string.Join(", ", Parameters.Keys)}.");
                }
                // Npgsql writes libpq's verify-full as VerifyFull, but read-write as libpq does.
                result[keyword] = Uri.UnescapeDataString(keyword is "SSL Mode" ? value.Replace("-", "", StringComparison.Ordinal) : value);
            }
        }
        catch (Exception e) when (e is ArgumentException or FormatException or OverflowException)
        {
            throw Refusal();
        }
        return result.ToString();
    }

    [GeneratedRegex(
        @"^postgres(ql)?://((?<user>[^:/?#@]*)(:(?<password>[^/?#]*))?@)?(?<hosts>[^/?#@]+)(/(?<database>[^/?#]*))?(\?(?<query>[^#]*))?\z",
        RegexOptions.ExplicitCapture)]
    private static partial Regex Url();

    [GeneratedRegex(@"^(\[[0-9A-Fa-f:.%]+\]|[^:]+):([0-9]{1,5})\z")]
    private static partial Regex PortAtTheEnd();
}
