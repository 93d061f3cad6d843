using System.Globalization;
using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using NJsonSchema;
using Profiles.Data;
using Profiles.Infrastructure.Admin;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.OpenApi;
using Profiles.Infrastructure.Paging;

namespace Profiles.Features.ListAudit;

[AdminEndpoint(AdminScopes.AuditRead)]
sealed class ListAuditEndpoint(ProfilesDbContext db) : EndpointWithoutRequest<Results<Ok<ListAuditResponse>, ProblemHttpResult>>
{
    public override void Configure()
    {
        Get("/admin/audit");
        Description(d => d.WithTags("Audit").WithMetadata(
            new DescribedParameter(
                "user_id",
                "The user whom the entries concern; without it, all are listed.",
                s => (s.Type, s.Format, s.Minimum) = (JsonObjectType.Integer, JsonFormatStrings.Long, 1),
                IsQuery: true),
            Page.Cursor, Page.Limit));
        Summary(s =>
        {
            s.Summary = "List what operators did";
            s.Description = "Every change by a command or by the admin API, the latest first.";
            s.ResponseExamples[200] = new ListAuditResponse(
                [new(7, new(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc), "key:support", "user.disabled", 1, null)], "7");
            s.Responses[200] = "The entries.";
        });
    }

    public override async Task<Results<Ok<ListAuditResponse>, ProblemHttpResult>> ExecuteAsync(CancellationToken ct)
    {
        if (Page.LimitOf(HttpContext) is not { } limit)
            return Problems.Refused("limit", ErrorCodes.LimitInvalid, HttpContext);
        if (!TryRead("user_id", out var userId))
            return Problems.Refused("user_id", ErrorCodes.UserIdInvalid, HttpContext);
        if (!TryRead("cursor", out var before))
            return Problems.Refused("cursor", ErrorCodes.CursorInvalid, HttpContext);
        return TypedResults.Ok(await ListAuditReader.ReadAsync(db, userId, since: null, before, limit, ct));
    }

    // A positive number, or null when there is none.
    bool TryRead(string name, out long? value)
    {
        value = null;
        var texts = HttpContext.Request.Query[name];
        if (texts is [{ } text] && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0)
            value = number;
        return texts.Count == 0 || value is not null;
    }
}
