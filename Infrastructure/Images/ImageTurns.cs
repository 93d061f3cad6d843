namespace Profiles.Infrastructure.Images;

/// <summary>One change of a user's picture at a time: the file, the row and the file again belong together.</summary>
sealed class ImageTurns
{
    readonly Dictionary<long, (SemaphoreSlim Turn, int Users)> turns = [];

    /// <summary>Waits for the turn of a user; disposing the result ends it.</summary>
    public async Task<IDisposable> TakeAsync(long userId, CancellationToken ct)
    {
        SemaphoreSlim turn;
        lock (turns)
        {
            var (known, users) = turns.GetValueOrDefault(userId);
            turn = known ?? new(1, 1);
            turns[userId] = (turn, users + 1);
        }
        try
        {
            await turn.WaitAsync(ct);
        }
        catch
        {
            Leave(userId);
            throw;
        }
        return new Turn(this, userId, turn);
    }

    // The last one out takes the entry along: the table holds who is changing a picture, not who ever did.
    void Leave(long userId)
    {
        lock (turns)
        {
            var (turn, users) = turns[userId];
            if (users > 1)
                turns[userId] = (turn, users - 1);
            else
                turns.Remove(userId);
        }
    }

    sealed class Turn(ImageTurns owner, long userId, SemaphoreSlim turn) : IDisposable
    {
        public void Dispose()
        {
            turn.Release();
            owner.Leave(userId);
        }
    }
}
