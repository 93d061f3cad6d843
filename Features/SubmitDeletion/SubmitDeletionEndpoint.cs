using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Profiles.Data;
using Profiles.Infrastructure.Accounts;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Pages;
using Profiles.Infrastructure.SecondFactors;

namespace Profiles.Features.SubmitDeletion;

sealed class SubmitDeletionEndpoint(
    ProfilesDbContext db, PasswordCheck check, SecondFactorCheck factors, AccountDeletion account, SameOriginCheck origin)
    : EndpointWithoutRequest<ContentHttpResult>
{
    public override void Configure()
    {
        Post(DeletionPage.Path);
        AllowAnonymous();
        Description(d => d.Accepts<IFormCollection>("application/x-www-form-urlencoded").ExcludeFromDescription());
    }

    public override async Task<ContentHttpResult> ExecuteAsync(CancellationToken ct)
    {
        if (!origin.Allows(HttpContext.Request))
            return DeletionPage.Form(HttpContext, "This form was sent from another site.", StatusCodes.Status403Forbidden);
        if (await ReadAsync(ct) is not var (email, password, code))
            return DeletionPage.Form(HttpContext, "Your e-mail address and your password are needed.", StatusCodes.Status400BadRequest);
        var normalized = Data.User.Normalize(email);
        var user = await db.FindUserAsync(normalized, ct);
        try
        {
            if (!await check.VerifyAsync(normalized, user, password, ct) || user is null || !await factors.PassesAsync(user.Id, code, ct))
                return DeletionPage.Form(HttpContext, check.Refusal, StatusCodes.Status403Forbidden);
        }
        catch (RateLimitedException e)
        {
            HttpContext.Response.Headers.RetryAfter = ExceptionHandler.Seconds(e.Wait);
            return DeletionPage.Form(HttpContext, "Too many wrong passwords: try again later.", StatusCodes.Status429TooManyRequests);
        }
        // Whoever has stolen the account may know the password.
        if (user.DisabledAt is not null)
            return DeletionPage.Form(HttpContext, ErrorCodes.AccountDisabled.Sentence, StatusCodes.Status403Forbidden);
        await account.DeleteAsync(user.Id);
        return DeletionPage.Done(HttpContext);
    }

    async Task<(string Email, string Password, string Code)?> ReadAsync(CancellationToken ct)
    {
        try
        {
            var form = await HttpContext.Request.ReadFormAsync(ct);
            return form["email"] is [{ Length: > 0 } email] && form["password"] is [{ Length: > 0 } password]
                && !(email + password).Contains('\0') ? (email, password, $"{form["code"]}".Trim()) : null;
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }
}
