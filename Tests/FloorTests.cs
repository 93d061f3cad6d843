using System.Text.RegularExpressions;
using Mono.Cecil;
using Mono.Cecil.Rocks;

namespace Profiles.Tests;

/// <summary>
/// Data uses no other folder, each folder of Infrastructure uses only the floors below its own, the slices use those, and Program.cs uses
/// everything. Checks the compiled references, and the usings for constants that the compiler copies.
/// </summary>
public sealed partial class FloorTests
{
    const string Data = "Data", Features = "Features", Program = "Program";

    // From the ground up. A folder of Infrastructure uses the folders of earlier lines and none of its own line.
    static readonly string[][] Floors =
    [
        [Data],
        ["Settings", "Errors"],
        ["Telemetry"],
        ["Http", "Json", "Logging", "Validation", "Outbox", "Cleanup", "Database", "Commands"],
        ["Admin"],
        ["Tokens", "Mail", "Passwords", "Decoding", "OpenApi", "SecurityEvents", "Pages", "Audit"],
        ["Webhooks"],
        ["Authentication", "Idempotency", "Sessions", "Images", "Paging"],
        ["Limits", "Health", "Exporters", "Backup", "Identities", "Passkeys"],
        ["SecondFactors"],
        ["Accounts"],
        ["Editing"],
        ["Importing"],
        ["Startup"],
        [Features],
        [Program],
    ];

    [Fact]
    public void Each_folder_uses_only_the_floors_below_it()
    {
        var uses = Compiled(Folder).Concat(Declared()).Where(u => u.From != u.To).Distinct().ToArray();
        uses.Length.ShouldBeGreaterThan(100);
        Floors.SelectMany(f => f).ShouldBe(
            [Data, Features, Program, .. Directory.GetDirectories(Path.Combine(ArchitectureTests.Repository(), "Infrastructure"))
                .Select(Path.GetFileName)!],
            ignoreOrder: true);
        uses.Where(u => FloorOf(u.To) >= FloorOf(u.From)).Select(u => $"{u.From} uses {u.To}: {u.By}").Order().ShouldBeEmpty();
    }

    [Fact]
    public void No_slice_uses_another()
    {
        var uses = Compiled(type => type.Namespace.Split('.') is ["Profiles", Features, var slice, ..] ? slice : null).Distinct().ToArray();
        uses.Length.ShouldBeGreaterThan(20);
        uses.Where(u => u.From != u.To).ShouldBeEmpty();
    }

    static int FloorOf(string folder) => Array.FindIndex(Floors, f => f.Contains(folder)) is >= 0 and var floor
        ? floor : throw new ArgumentOutOfRangeException(nameof(folder), folder, "It is on no floor.");

    static IEnumerable<(string From, string To, string By)> Compiled(Func<TypeReference, string?> place)
    {
        using var assembly = AssemblyDefinition.ReadAssembly(typeof(Profiles.Data.User).Assembly.Location);
        foreach (var type in assembly.MainModule.GetAllTypes().ToArray())
        {
            foreach (var used in Used(type).SelectMany(Parts))
            {
                if (used.Scope == assembly.MainModule && place(Outermost(type)) is { } from && place(Outermost(used)) is { } to)
                    yield return (from, to, Outermost(type).Name);
            }
        }
    }

    static IEnumerable<(string From, string To, string By)> Declared()
    {
        foreach (var file in Directory.GetFiles(ArchitectureTests.Repository(), "*.cs", SearchOption.AllDirectories))
        {
            var path = Path.GetRelativePath(ArchitectureTests.Repository(), file).Split(Path.DirectorySeparatorChar);
            var from = path is [Data or Features, ..] ? path[0] : path is ["Infrastructure", var folder, ..] ? folder : null;
            if (from is null)
                continue;
            var text = File.ReadAllText(file);
            foreach (Match use in Using().Matches(text))
                yield return (from, use.Groups[2].Success ? use.Groups[2].Value : use.Groups[1].Value, path[^1]);
            // A name such as Json.StrictJson, from a namespace above both.
            foreach (Match use in Relative().Matches(CommentOrText().Replace(text, "")))
                yield return (from, use.Groups[1].Value, path[^1]);
        }
    }

    static IEnumerable<TypeReference?> Used(TypeDefinition type)
    {
        IEnumerable<TypeReference?> members =
        [
            type.BaseType, .. type.Interfaces.Select(i => i.InterfaceType), .. type.Fields.Select(f => f.FieldType),
            .. type.GenericParameters.SelectMany(p => p.Constraints).Select(c => c.ConstraintType),
            .. type.CustomAttributes.Concat(type.Methods.SelectMany(m => m.CustomAttributes))
                .Concat(type.Properties.SelectMany(p => p.CustomAttributes))
                .SelectMany(a => a.ConstructorArguments.Select(v => v.Value as TypeReference).Append(a.AttributeType)),
        ];
        return members.Concat(type.Methods.SelectMany(Used));
    }

    static IEnumerable<TypeReference?> Used(MethodDefinition method)
    {
        yield return method.ReturnType;
        foreach (var parameter in method.Parameters)
            yield return parameter.ParameterType;
        foreach (var variable in method.HasBody ? method.Body.Variables.AsEnumerable() : [])
            yield return variable.VariableType;
        foreach (var instruction in method.HasBody ? method.Body.Instructions.AsEnumerable() : [])
        {
            if (instruction.Operand is TypeReference type)
                yield return type;
            if (instruction.Operand is not MemberReference member || instruction.Operand is TypeReference)
                continue;
            yield return member.DeclaringType;
            foreach (var argument in (member as GenericInstanceMethod)?.GenericArguments.AsEnumerable() ?? [])
                yield return argument;
        }
    }

    // List<User[]> gives List and User.
    static IEnumerable<TypeReference> Parts(TypeReference? type) => type switch
    {
        null => [],
        GenericInstanceType generic => generic.GenericArguments.SelectMany(Parts).Append(generic.ElementType),
        TypeSpecification special => Parts(special.ElementType),
        _ => [type],
    };

    static TypeReference Outermost(TypeReference type) => type.DeclaringType is { } outer ? Outermost(outer) : type;

    // Types that the compiler adds are in other namespaces.
    static string? Folder(TypeReference type) => type.Namespace.Split('.') switch
    {
        ["Profiles", "Infrastructure", var folder, ..] => folder,
        ["Profiles", var top, ..] => top,
        _ => type.Name == Program ? Program : null,
    };

    [GeneratedRegex(@"^using (?:static )?Profiles\.(Data|Features|Infrastructure\.(\w+))", RegexOptions.Multiline)]
    private static partial Regex Using();

    static readonly string FolderNames = string.Join('|', Floors.SelectMany(f => f).Except([Data, Features, Program]));

    static Regex Relative() => new($@"(?<![.\w])({FolderNames})\.[A-Z]\w*\.");

    [GeneratedRegex(@"//.*|""(\\.|[^""\\\n])*""")]
    private static partial Regex CommentOrText();
}
