using System.CommandLine;
using System.Globalization;
using NJsonSchema;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.OpenApi;

namespace Profiles.Infrastructure.Paging;

/// <summary>The parameters that lists of the admin API have in common.</summary>
static class Page
{
    public const int DefaultLimit = 50, MostLimit = 100;

    /// <summary>Longer than any cursor that is answered.</summary>
    public const int CursorMaxLength = 1000;

    public static readonly DescribedParameter Limit = new(
        "limit",
        FormattableString.Invariant($"The most entries of an answer; {DefaultLimit} by default."),
        s => (s.Type, s.Format, s.Minimum, s.Maximum) = (JsonObjectType.Integer, JsonFormatStrings.Integer, 1, MostLimit),
        IsQuery: true);

    public static readonly DescribedParameter Cursor = new(
        "cursor",
        "The `next_cursor` of the previous answer; without it, the list begins.",
        s => (s.Type, s.MaxLength) = (JsonObjectType.String, CursorMaxLength),
        IsQuery: true);

    /// <summary>The option <c>--limit</c> of a command.</summary>
    public static Option<int> LimitOption()
    {
        var limit = new Option<int>("--limit") { Description = "The most entries.", DefaultValueFactory = _ => DefaultLimit };
        limit.Validators.Add(result =>
        {
            if (result.Errors.Any() || result.GetValueOrDefault<int>() is < 1 or > MostLimit)
                result.AddError(ErrorCodes.LimitInvalid.Sentence);
        });
        return limit;
    }

    /// <summary>Reads the limit; null when it is not valid.</summary>
    public static int? LimitOf(HttpContext context) => context.Request.Query["limit"] switch
    {
        [] => DefaultLimit,
        [{ } text] when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var limit)
            && limit is >= 1 and <= MostLimit => limit,
        _ => null,
    };
}
