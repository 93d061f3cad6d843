using Profiles.Data;

namespace Profiles.Infrastructure.Admin;

/// <summary>The admin key that authorised the request.</summary>
sealed class CurrentKey
{
    /// <summary>Null for a command, and for a request that needs no key.</summary>
    public AdminKey? Key { get; set; }
}
