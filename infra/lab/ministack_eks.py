"""ministack_eks.py EC2 ARGS : MiniStack as the EKS of a network that another stand-in answers for at the address EC2. Whoever
makes a cluster at AWS gets its security group made too, in the network of its subnets; MiniStack only invents an id, which
nobody else would know. So it is really made there, and taken away with the cluster."""
import sys

import botocore.session
import ministack.services.eks as eks
from ministack.app import main

ec2 = botocore.session.get_session().create_client("ec2", region_name="eu-west-1", endpoint_url=sys.argv.pop(1), aws_access_key_id="test", aws_secret_access_key="test")
create, delete = eks._create_cluster, eks._delete_cluster


def with_group(body, *more, **named):
    answer = create(body, *more, **named)
    cluster = eks._clusters.get(body.get("name", ""))
    if cluster and "_group" not in cluster:
        config = cluster["resourcesVpcConfig"]
        vpc = ec2.describe_subnets(SubnetIds=config["subnetIds"])["Subnets"][0]["VpcId"]
        group = ec2.create_security_group(GroupName=f"eks-cluster-sg-{cluster['name']}", Description="EKS created security group", VpcId=vpc)["GroupId"]
        cluster["_group"] = group
        config.update(vpcId=vpc, clusterSecurityGroupId=group)
    return answer


def without_group(name, *more, **named):
    group = eks._clusters.get(name, {}).get("_group")
    answer = delete(name, *more, **named)
    if group:
        ec2.delete_security_group(GroupId=group)
    return answer


eks._create_cluster, eks._delete_cluster = with_group, without_group
main()
