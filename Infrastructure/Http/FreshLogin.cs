namespace Profiles.Infrastructure.Http;

/// <summary>Route metadata: a user with a second factor needs a session that has just proved both (RFC 9470).</summary>
/// <param name="OfEverybody">Whether those without a second factor need one that has just proved anything.</param>
sealed record FreshLogin(bool OfEverybody);
