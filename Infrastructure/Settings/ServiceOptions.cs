namespace Profiles.Infrastructure.Settings;

/// <summary>Settings of the service as a whole.</summary>
public sealed class ServiceOptions
{
    /// <summary>What addresses in answers begin with, without a slash at the end. Null in Development: the request's own scheme and host.</summary>
    public string? PublicBaseUrl { get; set; }

    /// <summary>What people know the service by, at most 60 characters: the account-deletion page shows it.</summary>
    public string ProductName { get; set; } = "Profiles";

    /// <summary>Where the SQLite file and the generated signing key are kept; created with mode 0700.</summary>
    public string DataDirectory { get; set; } = "data";

    /// <summary>Host names that are answered, separated by <c>;</c>. Null: any in Development, else the one of <see cref="PublicBaseUrl"/> and the loopback names.</summary>
    public string? AllowedHosts { get; set; }

    /// <summary>
    /// Addresses and networks, such as <c>10.0.0.0/8</c>, separated by commas, whose <c>X-Forwarded-For</c> and <c>X-Forwarded-Proto</c> are believed; <c>unix</c> is whoever
    /// connects over a Unix socket. None unless set.
    /// </summary>
    public string TrustedProxies { get; set; } = "";

    /// <summary>How long the body of a request may take to arrive that is no upload of an image; one that takes longer is answered 408.</summary>
    public TimeSpan BodyTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>The path of <see cref="PublicBaseUrl"/>, below which everything is for clients; empty for the root.</summary>
    internal string BasePath => PublicBaseUrl is null ? "" : new Uri(PublicBaseUrl).AbsolutePath.TrimEnd('/');

    internal string DatabaseFile => Path.Combine(DataDirectory, "profiles.db");

    internal string MailDirectory => Path.Combine(DataDirectory, "mail");

    internal string SigningKeyFile => Path.Combine(DataDirectory, "signing.key");
}

/// <summary>Settings of the API explorer and its document.</summary>
public sealed class ExplorerOptions
{
    /// <summary>Serves <c>/openapi/v1.json</c> and <c>/swagger</c>.</summary>
    public bool Enabled { get; set; } = true;
}

/// <summary>Settings for browsers on other origins.</summary>
public sealed class CrossOriginOptions
{
    /// <summary>Origins that may call, separated by commas, such as <c>https://app.example.com</c>; none unless set.</summary>
    public string Origins { get; set; } = "";

    internal string[] List => Origins.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
}
