namespace Profiles.Features.RenamePasskey;

/// <param name="Name">The new name.</param>
sealed record RenamePasskeyRequest(string Name);
