[assembly: AssemblyFixture(typeof(Profiles.Tests.RunEnd))]

namespace Profiles.Tests;

/// <summary>
/// Ends the run's PostgreSQL cluster and deletes its directories after the last test. The runner waits ten seconds for the process to exit,
/// and then ends it as failed.
/// </summary>
public sealed class RunEnd : IAsyncDisposable
{
    public async ValueTask DisposeAsync()
    {
        await TestDatabase.EndAsync();
        TemporaryDirectory.DeleteAll();
    }
}
