namespace Profiles.Infrastructure.OpenApi;

/// <summary>The limits that settings move; the document says what this service is set to.</summary>
/// <param name="PasswordLength">The least length of a new password, in code points.</param>
/// <param name="ImageBytes">The most bytes of a picture.</param>
readonly record struct ContractLimits(int PasswordLength, long ImageBytes);
