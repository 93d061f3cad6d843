namespace Profiles.Features.LoginWithMfa;

/// <summary>The token of the login's answer, and either of the codes.</summary>
/// <param name="MfaToken">From the answer `mfa_required` of a login.</param>
/// <param name="Code">The six digits that the app shows.</param>
/// <param name="RecoveryCode">In place of `code`; blanks, hyphens and case do not matter.</param>
sealed record LoginWithMfaRequest(string MfaToken, string? Code = null, string? RecoveryCode = null);
