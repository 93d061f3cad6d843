using System.Diagnostics;
using FluentValidation.Results;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.WebUtilities;

namespace Profiles.Infrastructure.Errors;

/// <summary>The one form of every error: RFC 9457 problem details with a sentence for a person and the id under which the log has it.</summary>
static class Problems
{
    public const string ContentType = "application/problem+json";

    /// <summary>Fills what is still empty; the form is then whole.</summary>
    public static void Complete(ProblemDetails problem, HttpContext context)
    {
        problem.Status ??= context.Response.StatusCode;
        problem.Type = "about:blank";
        problem.Title = ReasonPhrases.GetReasonPhrase(problem.Status.Value);
        problem.Detail ??= Sentence(problem.Status.Value);
        problem.Extensions.Remove("traceId");
        problem.Extensions["trace_id"] = TraceId(context);
    }

    /// <summary>Says which fields were refused and why, by the names that the client used.</summary>
    public static HttpValidationProblemDetails Validation(IEnumerable<ValidationFailure> failures, HttpContext context, int status)
    {
        var byField = failures.GroupBy(f => f.PropertyName).ToDictionary(g => g.Key, g => g.Select(f => f.ErrorMessage).Distinct().ToArray());
        var problem = new HttpValidationProblemDetails(byField.Where(f => f.Key.Length > 0).ToDictionary()) { Status = status, Detail = byField.First().Value[0] };
        Complete(problem, context);
        return problem;
    }

    /// <summary>Refuses one field for what only the slice knows, in the form of the validator's own refusals.</summary>
    /// <param name="field">The field as it was sent.</param>
    /// <param name="sentence">Why.</param>
    public static ProblemHttpResult Refused(string field, string sentence) => TypedResults.Problem(
        new HttpValidationProblemDetails(new Dictionary<string, string[]> { [field] = [sentence] }) { Status = StatusCodes.Status400BadRequest, Detail = sentence });

    /// <summary>The id under which a request's lines stand in the log.</summary>
    public static string TraceId(HttpContext context) => Activity.Current?.TraceId.ToHexString() ?? context.TraceIdentifier;

    /// <summary>What an error says when nothing more is known of it.</summary>
    public static string Sentence(int status) => status switch
    {
        400 => "The request is not well-formed.",
        401 => "A valid access token is needed: send it as \"Authorization: Bearer <access_token>\".",
        404 => "There is nothing at this address.",
        405 => "This address does not know this method; the Allow header lists those that it knows.",
        408 => "The request took too long to arrive.",
        409 => "The same is under way already.",
        413 => "The request's body is too large.",
        415 => "The request's Content-Type is not supported here.",
        422 => "This Idempotency-Key was used for another request.",
        429 => "There were too many of these. Try again later; Retry-After says in how many seconds.",
        431 => "The request's headers are too large.",
        503 => "The service is busy. Try again in a moment.",
        507 => "The service has no room left to store this.",
        _ => "Something went wrong on the server.",
    };
}
