using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Loader;
using SQLitePCL;

namespace Profiles.Infrastructure.Standins;

/// <summary>
/// Binds SQLitePCLRaw 2.0.6 where EF Core asks for 2.1: by simple name, to the system's libsqlite3, which the distribution keeps patched.
/// The package's own library is taken only where the system has none.
/// </summary>
static class SqliteBinding
{
    [ModuleInitializer]
    internal static void Initialize()
    {
        AssemblyLoadContext.Default.Resolving += (context, name) =>
            name.Name!.StartsWith("SQLitePCLRaw.", StringComparison.Ordinal) && name.Version is not null
                ? context.LoadFromAssemblyName(new AssemblyName(name.Name))
                : null;
        Bind();
    }

    // Not inlined: the handler above must be in place before a type of SQLitePCLRaw is touched.
    [MethodImpl(MethodImplOptions.NoInlining)]
    static void Bind()
    {
        var provider = new SQLite3Provider_e_sqlite3();
        NativeLibrary.SetDllImportResolver(provider.GetType().Assembly, (library, assembly, path) =>
            library == "e_sqlite3" && NativeLibrary.TryLoad("libsqlite3.so.0", out var handle) ? handle : NativeLibrary.Load(library, assembly, path));
        raw.SetProvider(provider);
        raw.FreezeProvider();
    }
}
