using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using NJsonSchema;
using Profiles.Data;
using Profiles.Infrastructure.Admin;
using Profiles.Infrastructure.Audit;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.OpenApi;
using Profiles.Infrastructure.Paging;

namespace Profiles.Features.FindUsers;

[AdminEndpoint(AdminScopes.UsersRead)]
sealed class FindUsersEndpoint(ProfilesDbContext db, AuditLog audit)
    : EndpointWithoutRequest<Results<Ok<FindUsersResponse>, ProblemHttpResult>>
{
    public override void Configure()
    {
        Get("/admin/users");
        Description(d => d.WithTags("Users").WithMetadata(
            new DescribedParameter(
                "query",
                "The beginning of an address or of a username, or a whole id or external id; without it, all accounts are listed.",
                s => (s.Type, s.MinLength, s.MaxLength) = (JsonObjectType.String, 1, Data.User.ExternalIdMaxLength),
                IsQuery: true),
            Page.Cursor, Page.Limit));
        Summary(s =>
        {
            s.Summary = "List or find accounts";
            s.Description = "An exact id or external id is first, then addresses, then usernames. In a list of all, who has none is last.";
            s.ResponseExamples[200] = new FindUsersResponse(
                [new(1, "john@example.com", null, "John", "john", null, new(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc), null, null)], null);
            s.Responses[200] = "The accounts.";
        });
    }

    public override async Task<Results<Ok<FindUsersResponse>, ProblemHttpResult>> ExecuteAsync(CancellationToken ct)
    {
        if (Page.LimitOf(HttpContext) is not { } limit)
            return Problems.Refused("limit", ErrorCodes.LimitInvalid, HttpContext);
        var query = HttpContext.Request.Query["query"];
        if (query.Count > 0 && !(query is [{ } sent] && FindUsersSearch.IsQuery(sent)))
            return Problems.Refused("query", ErrorCodes.QueryInvalid, HttpContext);
        if (!Cursor.TryRead(HttpContext, FindUsersSearch.Parts, out var cursor))
            return Problems.Refused("cursor", ErrorCodes.CursorInvalid, HttpContext);
        return TypedResults.Ok(await new FindUsersSearch(db, audit).FindAsync($"{query}", cursor, limit, ct));
    }
}
