using System.Diagnostics;
using System.Globalization;
using Spectre.Console;

namespace Profiles.Infrastructure.Commands;

/// <summary>Shows how far long work is: bars on a terminal, a line every few seconds elsewhere.</summary>
sealed class Progress
{
    static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    readonly Action<string, long, long> show;
    readonly TimeSpan interval;
    long shown = Stopwatch.GetTimestamp();

    Progress(Action<string, long, long> show, TimeSpan interval) => (this.show, this.interval) = (show, interval);

    public static Task<T> RunAsync<T>(TextWriter output, Func<Progress, Task<T>> work) =>
        output == Console.Out && !Console.IsOutputRedirected
            ? OnTerminalAsync(work)
            : work(new(
                (name, done, total) => output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name} {done} of {total}")),
                Interval));

    /// <summary>Reports how much of one kind is done.</summary>
    /// <param name="name">The kind, such as <c>images</c>.</param>
    /// <param name="done">How many of them.</param>
    /// <param name="total">How many there are.</param>
    public void Report(string name, long done, long total)
    {
        if (Stopwatch.GetElapsedTime(shown) < interval)
            return;
        shown = Stopwatch.GetTimestamp();
        show(name, done, total);
    }

    // In a method of its own: the library is loaded only when it is used.
    static Task<T> OnTerminalAsync<T>(Func<Progress, Task<T>> work) => AnsiConsole.Progress().StartAsync(async context =>
    {
        var tasks = new Dictionary<string, ProgressTask>();
        var result = await work(new(
            (name, done, total) =>
            {
                if (!tasks.TryGetValue(name, out var task))
                {
                    Complete();
                    tasks[name] = task = context.AddTask(name);
                }
                (task.MaxValue, task.Value) = (Math.Max(total, 1), done);
            },
            TimeSpan.FromMilliseconds(100)));
        Complete();
        return result;

        // Also what came after the last report.
        void Complete()
        {
            foreach (var before in tasks.Values)
                before.Value = before.MaxValue;
        }
    });
}
