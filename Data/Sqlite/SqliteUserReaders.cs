using Microsoft.Data.Sqlite;
using Microsoft.Extensions.ObjectPool;

namespace Profiles.Data.Sqlite;

/// <summary>Runs <see cref="SessionUser.Query"/> on connections that keep it prepared, at most two for each processor.</summary>
sealed class SqliteUserReaders(string connectionString) : IDisposable
{
    readonly ObjectPool<Reader> pool = new DefaultObjectPoolProvider().Create(new Readers(connectionString));

    /// <summary>Null unless the session is the user's. Throws <see cref="SqliteException"/>, also when the file is locked.</summary>
    public SessionUser? Find(long id, long sessionId)
    {
        var reader = pool.Get();
        try
        {
            return reader.Find(id, sessionId);
        }
        finally
        {
            pool.Return(reader);
        }
    }

    public void Dispose() => (pool as IDisposable)?.Dispose();

    sealed class Readers(string connectionString) : IPooledObjectPolicy<Reader>
    {
        public Reader Create() => new(connectionString);

        public bool Return(Reader obj) => obj.IsSound;
    }

    sealed class Reader : IDisposable
    {
        readonly SqliteConnection connection;
        readonly SqliteCommand query;
        readonly SqliteParameter user = new("$1", SqliteType.Integer), session = new("$2", SqliteType.Integer);

        public Reader(string connectionString)
        {
            connection = SqliteEngine.Open(connectionString);
            query = new(SessionUser.Query, connection) { CommandTimeout = connection.DefaultTimeout, Parameters = { user, session } };
        }

        /// <summary>False after a failure: the next read opens another connection.</summary>
        public bool IsSound { get; private set; }

        public SessionUser? Find(long id, long sessionId)
        {
            IsSound = false;
            (user.Value, session.Value) = (id, sessionId);
            using var rows = query.ExecuteReader();
            var found = rows.Read() ? SessionUser.Of(rows) : null;
            IsSound = true;
            return found;
        }

        public void Dispose()
        {
            query.Dispose();
            connection.Dispose();
        }
    }
}
