namespace Profiles.Infrastructure.Identities;

/// <summary>What is known of the address in an identity token; each proves what those before it do.</summary>
enum EmailProof
{
    /// <summary>There is none that the provider calls verified.</summary>
    None,

    /// <summary>A provider whose word on addresses is not believed calls it verified.</summary>
    Claimed,

    /// <summary>The provider has verified it, some day.</summary>
    Verified,

    /// <summary>The provider decides whose it is.</summary>
    Owned,
}

/// <summary>Who a provider says somebody is.</summary>
/// <param name="Provider">The provider's name.</param>
/// <param name="Subject">The provider's own, lasting id of the person.</param>
/// <param name="Audience">The app that the token is for.</param>
/// <param name="Email">The address, for the person to see; null without one.</param>
/// <param name="Proof">What is known of it.</param>
/// <param name="Name">The person's name; empty without one.</param>
/// <param name="Hash">Tells the token from all others.</param>
/// <param name="ExpiresAt">When the token is not taken any more, UTC.</param>
sealed record IdentityClaims(
    string Provider, string Subject, string Audience, string? Email, EmailProof Proof, string Name, byte[] Hash, DateTime ExpiresAt);
