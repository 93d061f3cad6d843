namespace Profiles.Infrastructure.OpenApi;

/// <summary>Route metadata: an anonymous route that takes an access token where it has one.</summary>
sealed record OptionalToken;
