namespace Profiles.Infrastructure.Settings;

/// <summary>Settings of the service as a whole.</summary>
public sealed class ServiceOptions
{
    /// <summary>
    /// The http or https address that URLs in answers begin with; it may have a path. Every environment but Development must set it.
    /// </summary>
    /// <value>In Development the request's own scheme and host</value>
    public string? PublicBaseUrl { get; set; }

    /// <summary>The name that people know the app by, 1 to 60 characters. The page <c>/account/deletion</c> shows it.</summary>
    public string ProductName { get; set; } = "Profiles";

    /// <summary>
    /// The directory of the SQLite file, the generated signing key and the mails that are written as files. It is created with mode 0700.
    /// </summary>
    public string DataDirectory { get; set; } = "data";

    /// <summary>The host names that are answered, separated by <c>;</c>.</summary>
    /// <value>The host of <see cref="PublicBaseUrl"/> and the loopback names; in Development any</value>
    public string? AllowedHosts { get; set; }

    /// <summary>
    /// The proxies whose <c>X-Forwarded-For</c> and <c>X-Forwarded-Proto</c> are believed: addresses and networks such as
    /// <c>10.0.0.0/8</c>, separated by commas. <c>unix</c> stands for whoever connects over a Unix socket.
    /// </summary>
    public string TrustedProxies { get; set; } = "";

    /// <summary>
    /// How long the body of a request other than an upload may take to arrive before it is answered 408, 00:00:01 to 00:10:00.
    /// </summary>
    public TimeSpan BodyTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>The path of <see cref="PublicBaseUrl"/>, below which everything is for clients; empty for the root.</summary>
    internal string BasePath => PublicBaseUrl is null ? "" : new Uri(PublicBaseUrl).AbsolutePath.TrimEnd('/');

    internal string DatabaseFile => Path.Combine(DataDirectory, "profiles.db");

    internal string MailDirectory => Path.Combine(DataDirectory, "mail");

    internal string SigningKeyFile => Path.Combine(DataDirectory, "signing.key");
}

/// <summary>Settings of the API document and the explorer.</summary>
public sealed class ExplorerOptions
{
    /// <summary>Whether <c>/openapi/v1.json</c> and <c>/swagger</c> are served.</summary>
    public bool Enabled { get; set; } = true;
}

/// <summary>Settings of CORS, for browsers on other origins.</summary>
public sealed class CrossOriginOptions
{
    /// <summary>The origins that browsers may call from, such as <c>https://app.example.com</c>, separated by commas.</summary>
    public string Origins { get; set; } = "";

    internal string[] List => Origins.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
}
