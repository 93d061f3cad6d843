using Microsoft.AspNetCore.Http.HttpResults;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.Sessions;

namespace Profiles.Infrastructure.Accounts;

/// <summary>How a request names the caller's password, and what a refusal says.</summary>
sealed record OwnPassword(string Member, ErrorCode Required, string RequiredSentence, string WrongSentence)
{
    public static readonly OwnPassword Password = new(
        "password", ErrorCodes.PasswordRequired, "Your password is needed.", ErrorCodes.WrongPassword.Sentence);

    public static readonly OwnPassword CurrentPassword = new(
        "current_password", ErrorCodes.CurrentPasswordRequired, ErrorCodes.CurrentPasswordRequired.Sentence,
        "The current password is wrong");
}

/// <summary>
/// Makes sure that it is the owner who changes what a stolen session must not: by the password or, where the account has none, by a fresh
/// login. With a second factor the login must be fresh in any case. A guest's session is all there is.
/// </summary>
sealed class OwnerCheck(CurrentUser me, PasswordCheck passwords, FreshSession session, IHttpContextAccessor http)
{
    /// <summary>Refuses the request unless its caller proves to be the owner.</summary>
    /// <param name="password">The password that was sent; it says nothing where the account has none.</param>
    /// <param name="named">How the request names it.</param>
    /// <param name="ct">Cancels the check.</param>
    /// <returns>The refusal, or null.</returns>
    /// <inheritdoc cref="PasswordCheck.VerifyAsync(Data.User, string, CancellationToken)" path="/exception" />
    public async Task<ProblemHttpResult?> RefusalAsync(string? password, OwnPassword named, CancellationToken ct)
    {
        var hasPassword = me.User.PasswordHash.Length > 0;
        if (await session.RefusalAsync(ofEverybody: !hasPassword, ct) is { } refusal)
            return refusal;
        if (!hasPassword)
            return null;
        if (string.IsNullOrEmpty(password))
            return Problems.Refused(named.Member, named.Required, http.HttpContext!, named.RequiredSentence);
        return await passwords.VerifyAsync(me.User, password, ct) ? null : Problems.Of(ErrorCodes.WrongPassword, named.WrongSentence);
    }
}
