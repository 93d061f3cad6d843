using System.Security.Claims;

namespace FastEndpoints;

/// <summary>What a token says of a user.</summary>
public sealed class UserPrivileges
{
    public List<Claim> Claims { get; } = [];
}
