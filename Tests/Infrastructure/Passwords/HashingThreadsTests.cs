using System.Globalization;
using Profiles.Infrastructure.Passwords;

namespace Profiles.Tests.Infrastructure.Passwords;

/// <summary>The threads that hash, as the kernel sees them.</summary>
[Trait("Database", "Sqlite")]
public sealed class HashingThreadsTests
{
    [Fact]
    public async Task There_is_one_of_low_priority_for_each_core()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Other systems show a thread's priority elsewhere.");
        using var threads = new HashingThreads();
        // Each task waits for the others, so that each thread runs one.
        using var all = new Barrier(Environment.ProcessorCount);
        var priorities = await Task.WhenAll(Enumerable.Range(0, all.ParticipantCount).Select(_ => Task.Factory.StartNew(
            () =>
            {
                all.SignalAndWait(TestContext.Current.CancellationToken);
                return Niceness();
            },
            TestContext.Current.CancellationToken, TaskCreationOptions.None, threads)));

        priorities.ShouldAllBe(nice => nice == HashingThreads.Niceness);
    }

    // Of this thread; proc(5): the field 19. The second is a name in brackets.
    static int Niceness()
    {
        var stat = File.ReadAllText("/proc/thread-self/stat");
        return int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[19 - 3], CultureInfo.InvariantCulture);
    }
}
