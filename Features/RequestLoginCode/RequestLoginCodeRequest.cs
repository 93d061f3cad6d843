namespace Profiles.Features.RequestLoginCode;

/// <param name="Email">Case-insensitive; surrounding blanks are trimmed and not counted.</param>
sealed record RequestLoginCodeRequest(string Email);
