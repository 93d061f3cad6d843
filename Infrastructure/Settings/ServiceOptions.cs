using System.ComponentModel.DataAnnotations;

namespace Profiles.Infrastructure.Settings;

/// <summary>Settings of the service as a whole.</summary>
public sealed class ServiceOptions
{
    /// <summary>
    /// The http or https address that URLs in answers begin with; it may have a path. Every environment but Development must set it.
    /// </summary>
    /// <value>In Development the request's own scheme and host</value>
    [HttpAddress(mayHavePath: true)]
    public string? PublicBaseUrl { get; set; }

    /// <summary>The name that people know the app by, 1 to 60 characters. The page <c>/account/deletion</c> shows it.</summary>
    [RegularExpression(@"(?=.*\S)\P{Cc}{1,60}", ErrorMessage = "{0} must be 1 to 60 characters, none of them a control character.")]
    public string ProductName { get; set; } = "Profiles";

    /// <summary>
    /// The directory of the SQLite file, the generated signing keys and the mails that are written to files. It is created with mode 0700.
    /// </summary>
    public string DataDirectory { get; set; } = "data";

    /// <summary>The host names that are answered, separated by <c>;</c>.</summary>
    /// <value>The host of <see cref="PublicBaseUrl"/> and the loopback names; in Development any</value>
    public string? AllowedHosts { get; set; }

    /// <summary>
    /// The proxies whose <c>X-Forwarded-For</c> and <c>X-Forwarded-Proto</c> are believed: addresses and networks such as
    /// <c>10.0.0.0/8</c>, separated by commas. <c>unix</c> stands for every client of a Unix socket.
    /// </summary>
    public string TrustedProxies { get; set; } = "";

    /// <summary>
    /// How long the body of a request other than an upload may take to arrive before it is answered 408, 00:00:01 to 00:10:00.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan BodyTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How long requests in progress may take to end once the service is told to stop (SIGTERM), 00:00:01 to 00:10:00. Those that take
    /// longer are cut. Shorter than the time after which the orchestrator kills the process, which is 30 seconds in Kubernetes.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan ShutdownTimeout { get; set; } = TimeSpan.FromSeconds(25);

    /// <summary>The path of <see cref="PublicBaseUrl"/>, below which clients find every route; empty for the root.</summary>
    internal string BasePath => PublicBaseUrl is null ? "" : new Uri(PublicBaseUrl).AbsolutePath.TrimEnd('/');

    internal string[]? AllowedHostList =>
        AllowedHosts?.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    internal string DatabaseFile => Path.Combine(DataDirectory, "profiles.db");

    internal string MailDirectory => Path.Combine(DataDirectory, "mail");

    internal string SigningKeyFile => Path.Combine(DataDirectory, "signing.key");

    internal string KeyRingFile => Path.Combine(DataDirectory, "signing-keys.json");

    /// <summary>It is there while a restore replaces the database and the images.</summary>
    internal string RestoreMark => Path.Combine(DataDirectory, "restore.unfinished");

    /// <summary>Throws <see cref="StartException"/> while the database and the images may be of two times.</summary>
    internal void RequireNoHalf()
    {
        if (File.Exists(RestoreMark))
        {
            throw new StartException(
                "A restore was interrupted half-way (restore.unfinished in DataDirectory): run Profiles restore FILE --force again.");
        }
    }
}
