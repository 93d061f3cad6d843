namespace Profiles.Infrastructure.Admin;

/// <summary>An endpoint of the admin API, below <c>/admin/</c>: it takes an admin key with this scope, and no user's token.</summary>
[AttributeUsage(AttributeTargets.Class)]
sealed class AdminEndpointAttribute(string scope) : Attribute
{
    public const string Path = "/admin";

    /// <summary>One of <see cref="AdminScopes"/>.</summary>
    public string Scope => scope;
}
