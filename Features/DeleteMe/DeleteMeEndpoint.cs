using System.Net.Mime;
using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Accounts;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.Limits;
using Profiles.Infrastructure.Passwords;
using Profiles.Infrastructure.Sessions;

namespace Profiles.Features.DeleteMe;

sealed record DeleteMeResponse(string Message);

sealed class DeleteMeEndpoint(CurrentUser me, OwnerCheck owner, AccountDeletion account)
    : Endpoint<DeleteMeRequest, Results<Ok<DeleteMeResponse>, ProblemHttpResult>>
{
    public override void Configure()
    {
        Delete("/me", "/users/me", "/user/profile");
        // The framework accepts any media type for DELETE, because the request may have no body.
        Description(d => d.ClearDefaultAccepts().Accepts<DeleteMeRequest>(MediaTypeNames.Application.Json)
            .ProducesProblem(StatusCodes.Status403Forbidden).ConcurrencyLimitedTo(ConcurrencyLimit.Passwords).NeedsFreshLogin()
            .WithTags("Deletion"));
        Summary(s =>
        {
            s.Summary = "Delete my account";
            s.Description = "Deletes the account, the profile, all sessions and the image for good. The e-mail address can register again. "
                + "An account without a password needs a login of the last ten minutes in its place, unless it is a guest's.";
            s.ExampleRequest = new(Resolve<IOptions<PasswordOptions>>().Value.Example);
            s.ResponseExamples[200] = new DeleteMeResponse("Account deleted successfully");
            s.ResponseExamples[400] = Problem.Example(
                ErrorCodes.PasswordRequired, OwnPassword.Password.Member, OwnPassword.Password.RequiredSentence);
            s.Responses[200] = "Deleted; every token is refused from now on.";
            s.Responses[403] = "The password is wrong";
            s.Responses[429] = "Too many wrong passwords for this account from this address.";
        });
    }

    public override async Task<Results<Ok<DeleteMeResponse>, ProblemHttpResult>> ExecuteAsync(DeleteMeRequest req, CancellationToken ct)
    {
        if (await owner.RefusalAsync(req.Password, OwnPassword.Password, ct) is { } refusal)
            return refusal;
        await account.DeleteAsync(me.Id);
        return TypedResults.Ok(new DeleteMeResponse("Account deleted successfully"));
    }
}
