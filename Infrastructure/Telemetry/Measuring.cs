using System.Diagnostics;
using System.Diagnostics.Metrics;
using Profiles.Infrastructure.Errors;

namespace Profiles.Infrastructure.Telemetry;

/// <summary>The outcomes that most work shares, as the label <c>outcome</c>.</summary>
static class Outcome
{
    public const string Success = "success", Refused = "refused", Busy = "busy", Limited = "limited", Canceled = "canceled",
        Error = "error", Dead = "dead";

    public static string Of(Exception e) => e switch
    {
        RateLimitedException => Limited,
        BusyException => Busy,
        OperationCanceledException => Canceled,
        _ => Error,
    };

    /// <summary>The outcome of a login's first factor, by its answer.</summary>
    public static string OfLogin(IResult answer) => (answer as IStatusCodeHttpResult)?.StatusCode switch
    {
        StatusCodes.Status200OK => Success,
        StatusCodes.Status403Forbidden => "mfa_required",
        _ => Refused,
    };
}

/// <summary>Measures work with its outcome, also when it throws.</summary>
static class Measuring
{
    const string OutcomeKey = "outcome";

    /// <summary>Counts work that has ended.</summary>
    public static void Count(this Counter<long> counter, string outcome) =>
        counter.Add(1, new KeyValuePair<string, object?>(OutcomeKey, outcome));

    /// <summary>Counts the work.</summary>
    /// <param name="counter">The counter.</param>
    /// <param name="work">The work.</param>
    /// <param name="outcome">The outcome of a result.</param>
    /// <param name="failure">The outcome of exceptions that <see cref="Outcome"/> has no word for; null for any other.</param>
    public static async Task<T> CountAsync<T>(
        this Counter<long> counter, Func<Task<T>> work, Func<T, string> outcome, Func<Exception, string?>? failure = null)
    {
        var reached = Outcome.Error;
        try
        {
            var result = await work();
            reached = outcome(result);
            return result;
        }
        catch (Exception e)
        {
            reached = failure?.Invoke(e) ?? Outcome.Of(e);
            throw;
        }
        finally
        {
            counter.Count(reached);
        }
    }

    /// <summary>Takes the time of the work.</summary>
    /// <param name="histogram">The histogram, in seconds.</param>
    /// <param name="work">The work.</param>
    /// <param name="labels">The labels besides the outcome.</param>
    /// <param name="failure">The outcome of exceptions that <see cref="Outcome"/> has no word for; null for any other.</param>
    public static Task<T> TimeAsync<T>(
        this Histogram<double> histogram, Func<Task<T>> work, TagList labels = default, Func<Exception, string?>? failure = null) =>
        histogram.Enabled ? TimedAsync(histogram, work, labels, failure) : work();

    /// <inheritdoc cref="TimeAsync{T}"/>
    public static Task TimeAsync(this Histogram<double> histogram, Func<Task> work, TagList labels) =>
        !histogram.Enabled ? work() : TimedAsync(
            histogram,
            async () =>
            {
                await work();
                return true;
            },
            labels,
            null);

    static async Task<T> TimedAsync<T>(
        Histogram<double> histogram, Func<Task<T>> work, TagList labels, Func<Exception, string?>? failure)
    {
        var (start, reached) = (Stopwatch.GetTimestamp(), Outcome.Success);
        try
        {
            return await work();
        }
        catch (Exception e)
        {
            reached = failure?.Invoke(e) ?? Outcome.Of(e);
            throw;
        }
        finally
        {
            labels.Add(OutcomeKey, reached);
            histogram.Record(Stopwatch.GetElapsedTime(start).TotalSeconds, labels);
        }
    }
}
