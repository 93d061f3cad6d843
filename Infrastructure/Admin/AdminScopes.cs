namespace Profiles.Infrastructure.Admin;

/// <summary>What an admin key may do.</summary>
static class AdminScopes
{
    /// <summary>Find, read and export users.</summary>
    public const string UsersRead = "users:read";

    /// <summary>Disable, enable, verify and delete users, and end their sessions.</summary>
    public const string UsersWrite = "users:write";

    /// <summary>Read the audit log.</summary>
    public const string AuditRead = "audit:read";

    /// <summary>Ask whether a token is valid (RFC 7662).</summary>
    public const string TokensIntrospect = "tokens:introspect";

    public static readonly IReadOnlyList<string> All = [UsersRead, UsersWrite, AuditRead, TokensIntrospect];
}
