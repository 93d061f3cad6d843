namespace Profiles.Infrastructure.Errors;

/// <summary>The caller's account was deleted or disabled while the request was in progress. Answered 401.</summary>
sealed class UserDeletedException() : Exception("The user was deleted or disabled meanwhile.");
