namespace Profiles.Infrastructure.Http;

/// <summary>Settings of CORS, for browsers on other origins.</summary>
public sealed class CrossOriginOptions
{
    /// <summary>The origins that browsers may call from, such as <c>https://app.example.com</c>, separated by commas.</summary>
    public string Origins { get; set; } = "";

    internal string[] List => Origins.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
}
