namespace Profiles.Infrastructure.OpenApi;

/// <summary>Settings of the API document and the explorer.</summary>
public sealed class ExplorerOptions
{
    /// <summary>Whether <c>/openapi/v1.json</c> and <c>/swagger</c> are served.</summary>
    public bool Enabled { get; set; } = true;
}
