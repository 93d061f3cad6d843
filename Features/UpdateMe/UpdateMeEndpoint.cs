using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Auth;
using Profiles.Infrastructure.Http;

namespace Profiles.Features.UpdateMe;

sealed class UpdateMeEndpoint(ProfilesDbContext db, CurrentUser me, ProfileTag tags, AccountEmails emails)
    : Endpoint<UpdateMeRequest, Results<Ok<UpdateMeResponse>, ProblemHttpResult>, UpdateMeMapper>
{
    public override void Configure()
    {
        Put("/me", "/users/me", "/user/profile");
        Description(d => d.ProducesProblem(StatusCodes.Status409Conflict).ProducesProblem(StatusCodes.Status412PreconditionFailed).WithTags("Profile"));
        Summary(s =>
        {
            s.Summary = "Change my profile";
            s.Description = "Fields that are sent are changed, fields that are absent stay. Another e-mail address is to be confirmed by the link in a mail; the old one is told. With `If-Match` nothing is changed unless the profile is still the one with that `ETag`.";
            s.ExampleRequest = new() { Name = "New Name" };
            s.ResponseExamples[200] = new UpdateMeResponse("Profile updated successfully", 1, "New Name", "john@example.com", true, null, null, null);
            s.Responses[200] = "Changed.";
            s.Responses[409] = "Email already registered";
            s.Responses[412] = "The profile has changed since.";
        });
    }

    public override async Task<Results<Ok<UpdateMeResponse>, ProblemHttpResult>> ExecuteAsync(UpdateMeRequest req, CancellationToken ct)
    {
        while (true)
        {
            if (ProfileTag.IsStale(HttpContext.Request, tags.Of(me.User)))
                return TypedResults.Problem("The profile has changed since: read it again.", statusCode: StatusCodes.Status412PreconditionFailed);
            db.Attach(me.User);
            Map.UpdateEntity(req, me.User);
            try
            {
                await using var turn = req.Email is null ? null : await emails.ChangeAsync(me.User, req.Email, ct);
                await db.SaveChangesAsync(ct);
                if (turn is not null)
                    await turn.CommitAsync(ct);
                HttpContext.Response.GetTypedHeaders().ETag = tags.Of(me.User);
                return TypedResults.Ok(Map.FromEntity(me.User) with { ImageUrl = tags.Address.Of(me.Profile.Image), Image = tags.Address.Describe(me.Profile.Image) });
            }
            catch (DbUpdateConcurrencyException)
            {
                // Another change came between the read and the write: judge and apply this one on what is there now.
                db.ChangeTracker.Clear();
                me.User = await db.FindUserAsync(me.Id, ct) ?? throw new InvalidOperationException("The user was removed meanwhile.");
            }
            catch (DbUpdateException e) when (DatabaseFaults.IsUniqueViolation(e))
            {
                return TypedResults.Problem("Email already registered", statusCode: StatusCodes.Status409Conflict);
            }
        }
    }
}
