using System.Diagnostics;
using FluentValidation;
using FluentValidation.Results;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.WebUtilities;

namespace Profiles.Infrastructure.Errors;

/// <summary>
/// Creates the body of every error: RFC 9457 problem details with a code for programs, a sentence for people and the request's log id.
/// </summary>
static class Problems
{
    public const string ContentType = "application/problem+json";

    const string CodeMember = "code";

    /// <summary>The error as a slice's result.</summary>
    /// <param name="error">The error.</param>
    /// <param name="sentence">A more specific sentence than the error's own.</param>
    /// <param name="members">Further members of the body.</param>
    public static ProblemHttpResult Of(ErrorCode error, string? sentence = null, IReadOnlyDictionary<string, object?>? members = null) =>
        TypedResults.Problem(Details(error, sentence, members));

    /// <summary>The same for code that writes the answer itself.</summary>
    public static ProblemDetails Details(
        ErrorCode error, string? sentence = null, IReadOnlyDictionary<string, object?>? members = null)
    {
        var problem = new ProblemDetails
        {
            Status = error.Status,
            Detail = sentence ?? error.Sentence,
            Extensions = { [CodeMember] = error.Code },
        };
        foreach (var (name, value) in members ?? new Dictionary<string, object?>())
            problem.Extensions[name] = value;
        return problem;
    }

    /// <summary>Fills in the members that are still missing.</summary>
    public static void Complete(ProblemDetails problem, HttpContext context)
    {
        problem.Status ??= context.Response.StatusCode;
        problem.Type = "about:blank";
        problem.Title = ReasonPhrases.GetReasonPhrase(problem.Status.Value);
        var byStatus = ErrorCodes.OfStatus(problem.Status.Value);
        problem.Detail ??= byStatus.Sentence;
        problem.Extensions.TryAdd(CodeMember, byStatus.Code);
        problem.Extensions.Remove("traceId");
        problem.Extensions["trace_id"] = TraceId(context);
    }

    /// <summary>Lists the refused fields by the names that the client sent; the code and sentence are those of the first.</summary>
    public static HttpValidationProblemDetails Validation(
        IEnumerable<ValidationFailure> failures, HttpContext context, int status)
    {
        var all = failures.ToArray();
        var byField = all.Where(f => f.PropertyName.Length > 0).GroupBy(f => f.PropertyName).ToArray();
        var problem = new HttpValidationProblemDetails(
            byField.ToDictionary(g => g.Key, g => g.Select(f => f.ErrorMessage).Distinct().ToArray()))
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

    /// <summary>Refuses one field for a reason that only the slice knows, in the validators' format.</summary>
    /// <param name="field">The field's name as it was sent.</param>
    /// <param name="error">The reason.</param>
    /// <param name="context">The current exchange.</param>
    /// <param name="sentence">A more specific sentence than the error's own.</param>
    public static ProblemHttpResult Refused(string field, ErrorCode error, HttpContext context, string? sentence = null) =>
        TypedResults.Problem(Validation([Failure(field, error, sentence)], context, error.Status));

    /// <summary>The refusal of one field.</summary>
    public static ValidationFailure Failure(string field, ErrorCode error, string? sentence = null) =>
        new(field, sentence ?? error.Sentence) { ErrorCode = error.Code };

    /// <summary>Sets the error of the preceding rule.</summary>
    public static IRuleBuilderOptions<T, TProperty> WithError<T, TProperty>(
        this IRuleBuilderOptions<T, TProperty> rule, ErrorCode error, string? sentence = null) =>
        rule.WithErrorCode(error.Code).WithMessage(sentence ?? error.Sentence);

    /// <summary>The request's id in the log.</summary>
    public static string TraceId(HttpContext context) => Activity.Current?.TraceId.ToHexString() ?? context.TraceIdentifier;
}
