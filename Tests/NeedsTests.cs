using System.Reflection;
using Mono.Cecil;

namespace Profiles.Tests;

/// <summary><c>./dev test --fast</c> skips the trait <c>Needs=Process</c>; every test that starts a process has it.</summary>
[Trait("Database", "Sqlite")]
public sealed class NeedsTests
{
    // A run on PostgreSQL starts these once for all of its tests.
    static readonly Type[] OfTheRun = [typeof(TestDatabase)];

    [Fact]
    public void A_test_has_the_trait_exactly_when_it_starts_a_process()
    {
        using var assembly = AssemblyDefinition.ReadAssembly(typeof(NeedsTests).Assembly.Location);
        var classes = typeof(NeedsTests).Assembly.GetTypes().Where(t => !t.IsAbstract)
            .Select(t => (Type: t, Tests: t.GetMethods().Where(m => m.IsDefined(typeof(FactAttribute))).ToArray()))
            .Where(c => c.Tests.Length > 0).ToArray();
        classes.Length.ShouldBeGreaterThan(50);
        var (needs, says) = (new List<string>(), new List<string>());
        foreach (var (type, tests) in classes)
        {
            var fixtures = type.GetInterfaces().Where(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IClassFixture<>))
                .Select(i => i.GetGenericArguments()[0]).Prepend(type);
            // xunit calls constructors and InitializeAsync.
            var shared = fixtures.SelectMany(f => Bases(Definition(assembly, f))).SelectMany(b => b.Methods)
                .Any(m => (m.IsConstructor || m.Name.EndsWith("InitializeAsync", StringComparison.Ordinal)) && Starts(m));
            foreach (var test in tests)
            {
                var name = $"{type.FullName}.{test.Name}";
                if (shared || Definition(assembly, test.DeclaringType!).Methods.Any(m => m.Name == test.Name && Starts(m)))
                    needs.Add(name);
                if (Traits(type).Concat(Traits(test)).Any(t => t is { Name: "Needs", Value: "Process" }))
                    says.Add(name);
            }
        }
        needs.Count.ShouldBeGreaterThan(50);
        needs.Except(says).ShouldBeEmpty();
        says.Except(needs).ShouldBeEmpty();
    }

    static IEnumerable<TraitAttribute> Traits(MemberInfo member) => member.GetCustomAttributes<TraitAttribute>();

    static TypeDefinition Definition(AssemblyDefinition assembly, Type type) =>
        (TypeDefinition)assembly.MainModule.LookupToken((type.IsGenericType ? type.GetGenericTypeDefinition() : type).MetadataToken);

    static IEnumerable<TypeDefinition> Bases(TypeDefinition type)
    {
        for (var each = type; IsOurs(each); each = each.BaseType.Resolve())
            yield return each;
    }

    // Whether a method starts a process, directly or through code of this assembly.
    static bool Starts(MethodDefinition test)
    {
        var (found, left) = (new HashSet<MethodDefinition> { test }, new Queue<MethodDefinition>([test]));
        while (left.TryDequeue(out var method))
        {
            foreach (var called in Called(method))
            {
                if (called is { Name: "Start", DeclaringType.FullName: "System.Diagnostics.Process" })
                    return true;
                if (IsOurs(called.DeclaringType) && called.Resolve() is { } own && found.Add(own))
                    left.Enqueue(own);
            }
        }
        return false;
    }

    static IEnumerable<MethodReference> Called(MethodDefinition method) => (method.HasBody ? method.Body.Instructions : [])
        .Select(i => i.Operand).OfType<MethodReference>().Concat(Machine(method) is { } machine ? [machine] : []);

    // The compiler moves the body of an async method or an iterator into a type of its own.
    static MethodDefinition? Machine(MethodDefinition method)
    {
        var attribute = method.CustomAttributes
            .FirstOrDefault(a => a.AttributeType.Name.EndsWith("StateMachineAttribute", StringComparison.Ordinal));
        return (attribute?.ConstructorArguments[0].Value as TypeReference)?.Resolve().Methods.Single(m => m.Name == "MoveNext");
    }

    static bool IsOurs(TypeReference type) =>
        type.GetElementType().Scope is ModuleDefinition { Name: "Profiles.Tests.dll" } && !OfTheRun.Any(t => t.FullName == type.FullName);
}
