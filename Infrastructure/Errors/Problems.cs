using System.Diagnostics;
using FluentValidation;
using FluentValidation.Results;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.WebUtilities;

namespace Profiles.Infrastructure.Errors;

/// <summary>The one form of every error: RFC 9457 problem details with a code for programs, a sentence for a person and the id under which the log has it.</summary>
static class Problems
{
    public const string ContentType = "application/problem+json";

    const string CodeMember = "code";

    /// <summary>An error as a slice answers it.</summary>
    /// <param name="error">Which one.</param>
    /// <param name="sentence">Its sentence, where the slice knows a better one.</param>
    /// <param name="members">Members that the problem carries besides.</param>
    public static ProblemHttpResult Of(ErrorCode error, string? sentence = null, IReadOnlyDictionary<string, object?>? members = null) =>
        TypedResults.Problem(Details(error, sentence, members));

    /// <summary>The same for whoever writes the answer itself.</summary>
    public static ProblemDetails Details(ErrorCode error, string? sentence = null, IReadOnlyDictionary<string, object?>? members = null)
    {
        var problem = new ProblemDetails { Status = error.Status, Detail = sentence ?? error.Sentence, Extensions = { [CodeMember] = error.Code } };
        foreach (var (name, value) in members ?? new Dictionary<string, object?>())
            problem.Extensions[name] = value;
        return problem;
    }

    /// <summary>Fills what is still empty; the form is then whole.</summary>
    public static void Complete(ProblemDetails problem, HttpContext context)
    {
        problem.Status ??= context.Response.StatusCode;
        problem.Type = "about:blank";
        problem.Title = ReasonPhrases.GetReasonPhrase(problem.Status.Value);
        var usual = ErrorCodes.OfStatus(problem.Status.Value);
        problem.Detail ??= usual.Sentence;
        problem.Extensions.TryAdd(CodeMember, usual.Code);
        problem.Extensions.Remove("traceId");
        problem.Extensions["trace_id"] = TraceId(context);
    }

    /// <summary>Says which fields were refused and why, by the names that the client used; the code and the sentence are those of the first.</summary>
    public static HttpValidationProblemDetails Validation(IEnumerable<ValidationFailure> failures, HttpContext context, int status)
    {
        var all = failures.ToArray();
        var byField = all.Where(f => f.PropertyName.Length > 0).GroupBy(f => f.PropertyName).ToArray();
        var problem = new HttpValidationProblemDetails(byField.ToDictionary(g => g.Key, g => g.Select(f => f.ErrorMessage).Distinct().ToArray()))
        {
            Status = status,
            Detail = all[0].ErrorMessage,
            Extensions =
            {
                [CodeMember] = all[0].ErrorCode,
                ["error_codes"] = byField.ToDictionary(g => g.Key, g => g.Select(f => f.ErrorCode).Distinct().ToArray()),
            },
        };
        Complete(problem, context);
        return problem;
    }

    /// <summary>Refuses one field for what only the slice knows, in the form of the validator's own refusals.</summary>
    /// <param name="field">The field as it was sent.</param>
    /// <param name="error">Why.</param>
    /// <param name="context">The exchange under way.</param>
    public static ProblemHttpResult Refused(string field, ErrorCode error, HttpContext context) =>
        TypedResults.Problem(Validation([Failure(field, error)], context, error.Status));

    /// <summary>A field that is refused.</summary>
    public static ValidationFailure Failure(string field, ErrorCode error, string? sentence = null) => new(field, sentence ?? error.Sentence) { ErrorCode = error.Code };

    /// <summary>What is answered where the rule before it does not hold.</summary>
    public static IRuleBuilderOptions<T, TProperty> WithError<T, TProperty>(this IRuleBuilderOptions<T, TProperty> rule, ErrorCode error, string? sentence = null) =>
        rule.WithErrorCode(error.Code).WithMessage(sentence ?? error.Sentence);

    /// <summary>The id under which a request's lines stand in the log.</summary>
    public static string TraceId(HttpContext context) => Activity.Current?.TraceId.ToHexString() ?? context.TraceIdentifier;
}
